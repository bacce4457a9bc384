import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.AckStatus;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.consumer.PopStatus;
import org.apache.rocketmq.client.impl.mqclient.MQClientAPIExt;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.NotificationRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PeekMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PollingInfoRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PollingInfoResponseHeader;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PopMessageResponseHeader;

/** POP call by call, as a proxy makes them. */
final class Popping {
    private Popping() {}

    /** One group on one topic. */
    static final class Popper {
        final String topic;
        final String group = Kit.name("group");
        final MQClientAPIExt api;
        boolean order;
        String expression = "*";
        String expressionType = "TAG";

        Popper(String topic) throws Exception {
            this.topic = topic;
            Compat.createGroup(group, 16, true);
            org.apache.rocketmq.client.ClientConfig config = new org.apache.rocketmq.client.ClientConfig();
            config.setNamesrvAddr(Kit.NAMESRV);
            api = new MQClientAPIExt(config, new NettyClientConfig(), null, Kit.hook());
            api.start();
            Kit.atEnd(api::shutdown);
        }

        PopMessageRequestHeader header(int most, long invisibleMs, long pollMs) {
            PopMessageRequestHeader header = new PopMessageRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(topic);
            header.setQueueId(-1);
            header.setMaxMsgNums(most);
            header.setInvisibleTime(invisibleMs);
            header.setPollTime(pollMs);
            header.setBornTime(System.currentTimeMillis());
            header.setInitMode(0);
            header.setExpType(expressionType);
            header.setExp(expression);
            header.setOrder(order);
            return header;
        }

        CompletableFuture<PopResult> popLater(int most, long invisibleMs, long pollMs) {
            return api.popMessageAsync(Kit.broker, Kit.brokerName, header(most, invisibleMs, pollMs), pollMs + 10000);
        }

        PopResult pop(int most, long invisibleMs) throws Exception {
            return popLater(most, invisibleMs, 1000).get(20, TimeUnit.SECONDS);
        }

        /** At least `count` messages, by as many pops as it takes. */
        List<MessageExt> popAll(int count, long invisibleMs) throws Exception {
            List<MessageExt> all = new ArrayList<>();
            Kit.await(() -> {
                PopResult result = pop(32, invisibleMs);
                if (result.getPopStatus() == PopStatus.FOUND) {
                    all.addAll(result.getMsgFoundList());
                }
                return all.size() >= count;
            }, count + " popped messages", 60);
            return all;
        }

        AckResult ack(MessageExt message) throws Exception {
            String ck = message.getProperty("POP_CK");
            String[] words = ExtraInfoUtil.split(ck);
            AckMessageRequestHeader header = new AckMessageRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(ExtraInfoUtil.getRealTopic(words, topic, group));
            header.setQueueId(ExtraInfoUtil.getQueueId(words));
            header.setOffset(ExtraInfoUtil.getQueueOffset(words));
            header.setExtraInfo(ck);
            return api.ackMessageAsync(Kit.broker, header, 5000).get(10, TimeUnit.SECONDS);
        }

        /** Returns what the message is known by then. */
        String change(MessageExt message, long invisibleMs) throws Exception {
            String ck = message.getProperty("POP_CK");
            String[] words = ExtraInfoUtil.split(ck);
            ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(ExtraInfoUtil.getRealTopic(words, topic, group));
            header.setQueueId(ExtraInfoUtil.getQueueId(words));
            header.setOffset(ExtraInfoUtil.getQueueOffset(words));
            header.setExtraInfo(ck);
            header.setInvisibleTime(invisibleMs);
            AckResult result = api.changeInvisibleTimeAsync(Kit.broker, Kit.brokerName, header, 5000).get(10, TimeUnit.SECONDS);
            Kit.equal(result.getStatus(), AckStatus.OK, "change of the invisible time");
            return result.getExtraInfo();
        }

        void expectNothing(String why) throws Exception {
            PopResult result = pop(32, 60000);
            Kit.equal(result.getPopStatus(), PopStatus.POLLING_NOT_FOUND, why);
        }

        RemotingCommand call(int code, org.apache.rocketmq.remoting.CommandCustomHeader header) throws Exception {
            return api.getRemotingClient().invokeSync(Kit.broker, RemotingCommand.createRequestCommand(code, header), 10000);
        }
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(Kit::text).sorted().collect(Collectors.toList());
    }

    @Scenarios.Slow
    public static void pop_what_is_not_acknowledged_comes_again() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        List<String> sent = Kit.send(Kit.producer(), popper.topic, "m", 3);
        List<MessageExt> first = popper.popAll(3, 8000);
        Kit.equal(bodies(first), sent, "messages");
        for (MessageExt message : first) {
            String[] words = ExtraInfoUtil.split(message.getProperty("POP_CK"));
            Kit.equal(words.length, 8, "words of the receipt");
            Kit.equal(ExtraInfoUtil.getInvisibleTime(words), 8000L, "invisible time");
            Kit.equal(ExtraInfoUtil.getBrokerName(words), Kit.brokerName, "broker");
            Kit.equal(ExtraInfoUtil.getQueueOffset(words), message.getQueueOffset(), "offset");
            Kit.equal(ExtraInfoUtil.getRetry(words), "0", "kind of topic");
        }
        Kit.equal(popper.ack(first.get(0)).getStatus(), AckStatus.OK, "acknowledgement");
        Kit.equal(popper.ack(first.get(2)).getStatus(), AckStatus.OK, "acknowledgement");
        popper.expectNothing("it is invisible");
        List<MessageExt> again = popper.popAll(1, 60000);
        Kit.equal(bodies(again), List.of(Kit.text(first.get(1))), "what comes again");
        MessageExt message = again.get(0);
        Kit.equal(message.getReconsumeTimes(), 1, "reconsume times");
        Kit.equal(message.getMsgId(), first.get(1).getMsgId(), "id");
        Kit.equal(message.getTopic(), popper.topic, "topic");
        Kit.equal(ExtraInfoUtil.getRetry(ExtraInfoUtil.split(message.getProperty("POP_CK"))), "1", "kind of topic");
        Kit.check(message.getProperty("1ST_POP_TIME") != null, "the time when it was popped first");
        Kit.equal(popper.ack(message).getStatus(), AckStatus.OK, "acknowledgement");
        popper.expectNothing("all is acknowledged");
    }

    @Scenarios.Slow
    public static void pop_change_invisible_time() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        Kit.send(Kit.producer(), popper.topic, "m", 1);
        MessageExt message = popper.popAll(1, 60000).get(0);
        String receipt = popper.change(message, 5000);
        String[] before = ExtraInfoUtil.split(message.getProperty("POP_CK"));
        String[] after = ExtraInfoUtil.split(receipt);
        Kit.equal(ExtraInfoUtil.getInvisibleTime(after), 5000L, "invisible time");
        Kit.check(ExtraInfoUtil.getPopTime(after) >= ExtraInfoUtil.getPopTime(before), "a later time of the pop");
        Kit.equal(ExtraInfoUtil.getQueueOffset(after), ExtraInfoUtil.getQueueOffset(before), "offset");
        popper.expectNothing("it is invisible");
        MessageExt again = popper.popAll(1, 60000).get(0);
        Kit.equal(again.getReconsumeTimes(), 1, "reconsume times");
        Kit.equal(popper.ack(again).getStatus(), AckStatus.OK, "acknowledgement");
    }

    public static void pop_batch_ack() throws Exception {
        Popper popper = new Popper(Kit.topic(2));
        Kit.send(Kit.producer(), popper.topic, "m", 20);
        List<MessageExt> all = popper.popAll(20, 6000);
        List<String> receipts = all.stream().map(message -> message.getProperty("POP_CK")).collect(Collectors.toList());
        AckResult result = popper.api.batchAckMessageAsync(Kit.broker, popper.topic, popper.group, receipts, 5000).get(10, TimeUnit.SECONDS);
        Kit.equal(result.getStatus(), AckStatus.OK, "acknowledgement");
        long until = System.currentTimeMillis() + 10000;
        while (System.currentTimeMillis() < until) {
            popper.expectNothing("all is acknowledged");
        }
    }

    public static void pop_orderly() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        popper.order = true;
        DefaultMQProducer producer = Kit.producer();
        for (String body : List.of("a", "b", "c")) {
            producer.send(Kit.message(popper.topic, body));
        }
        List<MessageExt> first = new ArrayList<>();
        Kit.await(() -> {
            PopResult result = popper.pop(2, 60000);
            if (result.getPopStatus() == PopStatus.FOUND) {
                first.addAll(result.getMsgFoundList());
            }
            return !first.isEmpty();
        }, "the first", 20);
        Kit.equal(bodies(first), List.of("a", "b"), "the first two");
        Kit.equal(ExtraInfoUtil.getReviveQid(ExtraInfoUtil.split(first.get(0).getProperty("POP_CK"))), 999, "revive queue");
        popper.expectNothing("the queue is blocked");
        popper.ack(first.get(0));
        popper.expectNothing("one is not acknowledged");
        CompletableFuture<PopResult> next = popper.popLater(2, 60000, 10000);
        Thread.sleep(300);
        long acked = System.currentTimeMillis();
        popper.ack(first.get(1));
        PopResult third = next.get(20, TimeUnit.SECONDS);
        Kit.equal(bodies(third.getMsgFoundList()), List.of("c"), "the third");
        Kit.check(System.currentTimeMillis() - acked < 5000, "as soon as the second is acknowledged");
        popper.ack(third.getMsgFoundList().get(0));
        popper.expectNothing("all is acknowledged");
    }

    public static void pop_orderly_again() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        popper.order = true;
        Kit.send(Kit.producer(), popper.topic, "m", 2);
        List<MessageExt> first = popper.popAll(2, 3000);
        Kit.equal(first.get(0).getReconsumeTimes(), 0, "reconsume times");
        popper.ack(first.get(0));
        List<MessageExt> again = popper.popAll(1, 60000);
        Kit.equal(Kit.text(again.get(0)), Kit.text(first.get(1)), "what was not acknowledged");
        Kit.equal(again.get(0).getReconsumeTimes(), 1, "reconsume times");
    }

    public static void pop_by_tag() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        popper.expression = "A || B";
        DefaultMQProducer producer = Kit.producer();
        for (String tag : List.of("A", "C", "B", "C", "A")) {
            producer.send(Kit.message(popper.topic, tag, tag));
        }
        Kit.equal(bodies(popper.popAll(3, 60000)), List.of("A", "A", "B"), "messages");
        popper.expectNothing("nothing else is wanted");
    }

    public static void pop_by_sql() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        popper.expressionType = "SQL92";
        popper.expression = "n BETWEEN 2 AND 3";
        DefaultMQProducer producer = Kit.producer();
        for (int n = 1; n <= 4; n++) {
            Message message = Kit.message(popper.topic, "m" + n);
            message.putUserProperty("n", String.valueOf(n));
            producer.send(message);
        }
        Kit.equal(bodies(popper.popAll(2, 60000)), List.of("m2", "m3"), "messages");
        popper.expectNothing("nothing else is wanted");
    }

    public static void pop_waits_for_a_message() throws Exception {
        Popper popper = new Popper(Kit.topic(2));
        popper.expectNothing("nothing was sent");
        CompletableFuture<PopResult> waiting = popper.popLater(8, 60000, 15000);
        Kit.await(() -> polling(popper) == 1, "one that waits", 10);
        long sent = System.currentTimeMillis();
        Kit.send(Kit.producer(), popper.topic, "m", 1);
        PopResult result = waiting.get(20, TimeUnit.SECONDS);
        Kit.equal(result.getPopStatus(), PopStatus.FOUND, "status");
        Kit.check(System.currentTimeMillis() - sent < 5000, "at once");
        Kit.equal(polling(popper), 0, "nobody waits");
    }

    private static int polling(Popper popper) throws Exception {
        PollingInfoRequestHeader header = new PollingInfoRequestHeader();
        header.setConsumerGroup(popper.group);
        header.setTopic(popper.topic);
        header.setQueueId(-1);
        RemotingCommand answer = popper.call(RequestCode.POLLING_INFO, header);
        Kit.equal(answer.getCode(), 0, "code");
        return ((PollingInfoResponseHeader) answer.decodeCommandCustomHeader(PollingInfoResponseHeader.class)).getPollingNum();
    }

    public static void pop_peek() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        PeekMessageRequestHeader header = new PeekMessageRequestHeader();
        header.setConsumerGroup(popper.group);
        header.setTopic(popper.topic);
        header.setQueueId(-1);
        header.setMaxMsgNums(2);
        Kit.equal(popper.call(RequestCode.PEEK_MESSAGE, header).getCode(), 19, "code for nothing");
        Kit.send(Kit.producer(), popper.topic, "m", 3);
        Kit.await(() -> popper.call(RequestCode.PEEK_MESSAGE, header).getCode() == 0, "a message", 10);
        Kit.await(() -> {
            RemotingCommand answer = popper.call(RequestCode.PEEK_MESSAGE, header);
            return ((PopMessageResponseHeader) answer.decodeCommandCustomHeader(PopMessageResponseHeader.class)).getRestNum() == 3;
        }, "three there are", 10);
        Kit.equal(popper.popAll(3, 60000).size(), 3, "messages to pop");
    }

    public static void pop_notification() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        NotificationRequestHeader header = new NotificationRequestHeader();
        header.setConsumerGroup(popper.group);
        header.setTopic(popper.topic);
        header.setQueueId(-1);
        header.setPollTime(0);
        header.setBornTime(System.currentTimeMillis());
        Kit.equal(popper.api.notification(Kit.broker, header, 5000).get(10, TimeUnit.SECONDS), false, "a message");
        header.setPollTime(15000);
        header.setBornTime(System.currentTimeMillis());
        CompletableFuture<Boolean> waiting = popper.api.notification(Kit.broker, header, 20000);
        Thread.sleep(500);
        Kit.check(!waiting.isDone(), "it waits");
        Kit.send(Kit.producer(), popper.topic, "m", 1);
        Kit.equal(waiting.get(20, TimeUnit.SECONDS), true, "a message");
    }

    public static void pop_offset_and_reset() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        long before = System.currentTimeMillis() - 3600_000;
        List<String> sent = Kit.send(Kit.producer(), popper.topic, "m", 5);
        for (MessageExt message : popper.popAll(5, 60000)) {
            popper.ack(message);
        }
        MessageQueue queue = new MessageQueue(popper.topic, Kit.brokerName, 0);
        Kit.await(() -> Kit.admin.examineConsumeStats(popper.group, popper.topic).getOffsetTable().get(queue).getConsumerOffset() == 5,
                "the group's offset as tools see it", 20);
        Kit.admin.resetOffsetByTimestamp(popper.topic, popper.group, before, true);
        Kit.equal(bodies(popper.popAll(5, 60000)), sent, "messages after the reset");
    }

    public static void pop_refusals() throws Exception {
        Popper popper = new Popper(Kit.topic(1));
        PopMessageRequestHeader header = popper.header(33, 60000, 0);
        Kit.equal(popper.call(RequestCode.POP_MESSAGE, header).getCode(), 29, "code for too many at once");
        header = popper.header(1, 60000, 0);
        header.setQueueId(5);
        Kit.equal(popper.call(RequestCode.POP_MESSAGE, header).getCode(), 29, "code for a queue that is not there");
        header = popper.header(1, 60000, 0);
        header.setTopic(Kit.name("topic"));
        Kit.equal(popper.call(RequestCode.POP_MESSAGE, header).getCode(), 17, "code for a topic that is not there");
        header = popper.header(1, 60000, 100);
        header.setBornTime(System.currentTimeMillis() - 5000);
        Kit.equal(popper.call(RequestCode.POP_MESSAGE, header).getCode(), 210, "code for a request that is too late");
        header = popper.header(1, 60000, 0);
        header.setExpType("SQL92");
        header.setExp("this is not SQL");
        Kit.equal(popper.call(RequestCode.POP_MESSAGE, header).getCode(), 23, "code for a filter that is none");
        AckMessageRequestHeader ack = new AckMessageRequestHeader();
        ack.setConsumerGroup(popper.group);
        ack.setTopic(popper.topic);
        ack.setQueueId(7);
        ack.setOffset(0L);
        ack.setExtraInfo("0 0 60000 0 0 " + Kit.brokerName + " 7 0");
        Kit.equal(popper.call(RequestCode.ACK_MESSAGE, ack).getCode(), 13, "code for a queue that is not there");
        ack.setQueueId(0);
        ack.setOffset(100L);
        Kit.equal(popper.call(RequestCode.ACK_MESSAGE, ack).getCode(), 208, "code for an offset that is not there");
        Kit.equal(popper.call(RequestCode.BATCH_ACK_MESSAGE, null).getCode(), 208, "code for no message");
    }
}
