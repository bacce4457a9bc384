import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;

/** What only this line of the client does: any time of delivery, recall, POP, queues given by the broker. */
final class OnlyHere {
    private OnlyHere() {}

    private interface Delay {
        void set(Message message);
    }

    private static void timed(long ms, Delay delay) throws Exception {
        String topic = Kit.topic(2);
        Kit.Inbox inbox = Kit.consume(topic, "Tag");
        Message message = Kit.message(topic, "Tag", "late");
        message.setKeys("key");
        delay.set(message);
        DefaultMQProducer producer = Kit.producer();
        SendResult sent = producer.send(message);
        producer.send(Kit.message(topic, "Tag", "now"));
        inbox.awaitCount(2, "both");
        MessageExt late = inbox.get("late");
        long took = inbox.arrived.get("late") - late.getBornTimestamp();
        Kit.check(took >= ms - 1100, "it waits " + ms + " ms: " + took);
        long delivered = late.getStoreTimestamp() - late.getBornTimestamp();
        Kit.check(delivered >= ms - 1100 && delivered < ms + 6000, "it is delivered after " + ms + " ms: " + delivered);
        Kit.equal(late.getTopic(), topic, "topic");
        Kit.equal(late.getMsgId(), sent.getMsgId(), "id");
        Kit.equal(late.getKeys(), "key", "key");
    }

    public static void timer_seconds() throws Exception {
        timed(3000, message -> message.setDelayTimeSec(3));
    }

    public static void timer_milliseconds() throws Exception {
        timed(2500, message -> message.setDelayTimeMs(2500));
    }

    public static void timer_at() throws Exception {
        timed(4000, message -> message.setDeliverTimeMs(System.currentTimeMillis() + 4000));
    }

    public static void timer_in_the_past() throws Exception {
        String topic = Kit.topic(1);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        Message message = Kit.message(topic, "m");
        message.setDeliverTimeMs(System.currentTimeMillis() - 10000);
        Kit.producer().send(message);
        inbox.awaitCount(1, "at once");
    }

    public static void timer_too_far() throws Exception {
        Message message = Kit.message(Kit.topic(1), "m");
        message.setDelayTimeSec(5 * 24 * 3600);
        MQBrokerException refused = Kit.raises(MQBrokerException.class, () -> Kit.producer().send(message));
        Kit.equal(refused.getResponseCode(), 13, "code");
    }

    public static void recall() throws Exception {
        String topic = Kit.topic(1);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        DefaultMQProducer producer = Kit.producer();
        Message recalled = Kit.message(topic, "recalled");
        recalled.setDelayTimeSec(6);
        SendResult sent = producer.send(recalled);
        Kit.check(sent.getRecallHandle() != null, "a handle");
        Message other = Kit.message(topic, "other");
        other.setDelayTimeSec(8);
        producer.send(other);
        Kit.equal(producer.recallMessage(topic, sent.getRecallHandle()), sent.getMsgId(), "id of what is recalled");
        inbox.awaitCount(1, "the other");
        Kit.equal(inbox.bodies(), List.of("other"), "messages");
    }

    public static void compression_types() throws Exception {
        String topic = Kit.topic(1);
        byte[] body = new byte[100_000];
        Arrays.fill(body, (byte) 'x');
        for (CompressionType type : CompressionType.values()) {
            DefaultMQProducer producer = Kit.producer();
            producer.setCompressType(type);
            producer.send(new Message(topic, body));
        }
        List<MessageExt> stored = Sending.all(topic, 0, CompressionType.values().length);
        for (int i = 0; i < CompressionType.values().length; i++) {
            Kit.check(Arrays.equals(stored.get(i).getBody(), body), "body by " + CompressionType.values()[i]);
            Kit.equal(stored.get(i).getSysFlag() & MessageSysFlag.COMPRESSION_TYPE_COMPARATOR, CompressionType.values()[i].getCompressionFlag(), "flag");
        }
    }

    public static void send_auto_batch() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = new DefaultMQProducer(Kit.name("producer"), Kit.hook());
        Kit.start(producer);
        producer.setAutoBatch(true);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        for (int t = 0; t < 5; t++) {
            Thread thread = new Thread(() -> {
                try {
                    for (int i = 0; i < 10; i++) {
                        producer.send(Kit.message(topic, "m"));
                    }
                } catch (Exception e) {
                    failures.add(e);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Kit.equal(failures, List.of(), "failures");
        Kit.await(() -> Sending.total(producer, topic) == 50, "50 messages in the queue", 20);
    }

    private static DefaultMQPushConsumer byBroker(String group, String topic, MessageListenerConcurrently listener) throws Exception {
        DefaultMQPushConsumer consumer = Kit.consumer(group);
        consumer.setClientRebalance(false);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    /** The broker says which queues a consumer has; it pulls them as usual. */
    public static void queues_given_by_broker() throws Exception {
        String topic = Kit.topic(4);
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = byBroker(Kit.name("group"), topic, inbox);
        Kit.await(() -> Consuming.queues(consumer, topic) == 4, "all queues", 40);
        Kit.send(Kit.producer(), topic, "m", 20);
        inbox.awaitCount(20, "messages");
    }

    private static String popGroup(String topic) throws Exception {
        String group = Kit.name("group");
        Compat.createGroup(group, 16, true);
        Kit.admin.setMessageRequestMode(Kit.broker, topic, group, MessageRequestMode.POP, 8, 10000);
        return group;
    }

    public static void pop_one_consumer() throws Exception {
        String topic = Kit.topic(2);
        Kit.Inbox inbox = new Kit.Inbox();
        List<String> sent = Kit.send(Kit.producer(), topic, "m", 40);
        byBroker(popGroup(topic), topic, inbox);
        inbox.awaitCount(40, "what was there");
        sent.addAll(Kit.send(Kit.producer(), topic, "n", 10));
        inbox.awaitCount(50, "what came later");
        Kit.equal(Consuming.sorted(inbox.bodies()), Consuming.sorted(sent), "messages, each once");
        Kit.check(inbox.messages.get(0).getProperty("POP_CK") != null, "they have a receipt");
    }

    /** Consumers in POP mode share one queue. */
    public static void pop_two_consumers_one_queue() throws Exception {
        String topic = Kit.topic(1);
        String group = popGroup(topic);
        Kit.Inbox one = new Kit.Inbox();
        Kit.Inbox two = new Kit.Inbox();
        DefaultMQProducer producer = Kit.producer();
        for (Kit.Inbox inbox : List.of(one, two)) {
            DefaultMQPushConsumer consumer = Kit.consumer(group);
            consumer.setClientRebalance(false);
            consumer.setPopBatchNums(2);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(inbox);
            consumer.start();
        }
        int[] count = {0};
        Kit.await(() -> {
            Kit.send(producer, topic, "m" + count[0]++ + "-", 5);
            return !one.messages.isEmpty() && !two.messages.isEmpty();
        }, "both have messages of the one queue", 60);
        Kit.await(() -> one.messages.size() + two.messages.size() >= 5 * count[0], "all messages", 40);
    }

    /** What is not acknowledged comes again after its invisible time. */
    @Scenarios.Slow
    public static void pop_retry() throws Exception {
        String topic = Kit.topic(1);
        List<MessageExt> seen = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = Kit.consumer(popGroup(topic));
        consumer.setClientRebalance(false);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            seen.addAll(messages);
            return messages.get(0).getReconsumeTimes() == 0 ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        SendResult sent = Kit.producer().send(Kit.message(topic, "Tag", "m"));
        Kit.await(() -> seen.size() >= 2, "a second time", 100);
        Kit.equal(seen.get(1).getReconsumeTimes(), 1, "reconsume times");
        Kit.equal(seen.get(1).getMsgId(), sent.getMsgId(), "id");
        Kit.equal(seen.get(1).getTopic(), topic, "topic");
    }

    public static void topic_attributes() throws Exception {
        String topic = Kit.name("topic");
        TopicConfig config = new TopicConfig(topic, 1, 1, 6);
        config.getAttributes().put("+message.type", "FIFO");
        Kit.createTopic(config);
        Kit.equal(Kit.admin.examineTopicConfig(Kit.broker, topic).getAttributes().get("message.type"), "FIFO", "message.type");
        Kit.equal(Set.of("message.type"), Kit.admin.examineTopicConfig(Kit.broker, topic).getAttributes().keySet(), "attributes");
    }
}
