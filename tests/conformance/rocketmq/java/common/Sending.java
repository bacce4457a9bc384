import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Producers: how a message can be sent, what the answer says, what is refused. */
final class Sending {
    private Sending() {}

    public static void send_sync() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        Map<Integer, Long> next = new HashMap<>();
        Set<String> ids = new TreeSet<>();
        for (int i = 0; i < 12; i++) {
            SendResult sent = producer.send(Kit.message(topic, "m" + i));
            Kit.equal(sent.getSendStatus(), SendStatus.SEND_OK, "status");
            Kit.equal(sent.getQueueOffset(), next.merge(sent.getMessageQueue().getQueueId(), 0L, (had, zero) -> had + 1), "queue offset");
            Kit.equal(sent.getMessageQueue().getBrokerName(), Kit.brokerName, "broker");
            Kit.equal(sent.getOffsetMsgId().length(), 32, "length of the offset id");
            Kit.equal(sent.getRegionId(), "DefaultRegion", "region");
            ids.add(sent.getOffsetMsgId());
            ids.add(sent.getMsgId());
        }
        Kit.equal(next.size(), 4, "queues that got messages");
        Kit.equal(ids.size(), 24, "different ids");
    }

    public static void send_async() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        CountDownLatch done = new CountDownLatch(40);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < 40; i++) {
            producer.send(Kit.message(topic, "m" + i), new SendCallback() {
                @Override
                public void onSuccess(SendResult sent) {
                    done.countDown();
                }

                @Override
                public void onException(Throwable e) {
                    failure.set(e);
                    done.countDown();
                }
            });
        }
        Kit.check(done.await(20, TimeUnit.SECONDS), "an answer to each");
        Kit.equal(failure.get(), null, "failure");
        Kit.await(() -> total(producer, topic) == 40, "40 messages in the queues", 20);
    }

    public static void send_one_way() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        for (int i = 0; i < 10; i++) {
            producer.sendOneway(Kit.message(topic, "m" + i));
        }
        Kit.await(() -> total(producer, topic) == 10, "10 messages stored", 20);
    }

    public static void send_to_queue() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        MessageQueue queue = new MessageQueue(topic, Kit.brokerName, 2);
        for (int i = 0; i < 3; i++) {
            SendResult sent = producer.send(Kit.message(topic, "m" + i), queue);
            Kit.equal(sent.getMessageQueue(), queue, "queue");
            Kit.equal(sent.getQueueOffset(), (long) i, "queue offset");
        }
        Kit.await(() -> producer.maxOffset(queue) == 3, "max offset", 20);
        Kit.equal(producer.minOffset(queue), 0L, "min offset");
    }

    public static void send_batch() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Message message = Kit.message(topic, "Tag" + i % 2, "m" + i);
            message.setKeys("key" + i);
            message.putUserProperty("number", String.valueOf(i));
            batch.add(message);
        }
        producer.send(Kit.message(topic, "before"));
        SendResult sent = producer.send(batch);
        Kit.equal(sent.getQueueOffset(), 1L, "offset of the first");
        Kit.equal(sent.getMsgId().split(",").length, 10, "ids");
        Kit.equal(sent.getOffsetMsgId().split(",").length, 10, "offset ids");
        List<MessageExt> stored = all(topic, 0, 11);
        for (int i = 0; i < 10; i++) {
            MessageExt message = stored.get(i + 1);
            Kit.equal(message.getQueueOffset(), i + 1L, "queue offset");
            Kit.equal(Kit.text(message), "m" + i, "body");
            Kit.equal(message.getTags(), "Tag" + i % 2, "tag");
            Kit.equal(message.getKeys(), "key" + i, "keys");
            Kit.equal(message.getUserProperty("number"), String.valueOf(i), "property");
            Kit.equal(Kit.offsetId(message), sent.getOffsetMsgId().split(",")[i], "offset id");
        }
    }

    public static void send_keeps_everything() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Message message = Kit.message(topic, "Tag-é", "body é 消息");
        message.setKeys(Arrays.asList("one", "two", "消"));
        message.setFlag(0x1234567);
        message.putUserProperty("colour", "rød 红");
        message.setBuyerId("42");
        long before = System.currentTimeMillis();
        SendResult sent = producer.send(message);
        MessageExt got = all(topic, 0, 1).get(0);
        Kit.equal(got.getTopic(), topic, "topic");
        Kit.equal(Kit.text(got), "body é 消息", "body");
        Kit.equal(got.getTags(), "Tag-é", "tag");
        Kit.equal(got.getKeys(), "one two 消", "keys");
        Kit.equal(got.getFlag(), 0x1234567, "flag");
        Kit.equal(got.getUserProperty("colour"), "rød 红", "property");
        Kit.equal(got.getBuyerId(), "42", "buyer");
        Kit.equal(got.getMsgId(), sent.getMsgId(), "id");
        Kit.equal(Kit.offsetId(got), sent.getOffsetMsgId(), "offset id");
        Kit.equal(got.getQueueId(), 0, "queue");
        Kit.equal(got.getQueueOffset(), 0L, "offset");
        Kit.equal(got.getReconsumeTimes(), 0, "reconsume times");
        Kit.equal(got.getSysFlag(), 0, "system flag");
        Kit.equal(got.getPreparedTransactionOffset(), 0L, "prepared offset");
        Kit.check(got.getBornTimestamp() >= before && got.getBornTimestamp() <= System.currentTimeMillis(), "born time");
        Kit.check(got.getStoreTimestamp() >= before && got.getStoreTimestamp() <= System.currentTimeMillis(), "store time");
        Kit.check(got.getStoreHost().toString().endsWith(Kit.broker), "store host " + got.getStoreHost());
        Kit.check(got.getBornHostString().equals("127.0.0.1"), "born host " + got.getBornHostString());
        Kit.equal(got.getBrokerName(), Kit.brokerName, "broker");
        Kit.equal(MessageClientIDSetter.getUniqID(got), sent.getMsgId(), "UNIQ_KEY");
        Kit.equal(got.getProperty("CLUSTER"), Kit.CLUSTER, "CLUSTER");
        Kit.equal(got.getProperty("MSG_REGION"), "DefaultRegion", "MSG_REGION");
        Kit.equal(got.getProperty("TRACE_ON"), "true", "TRACE_ON");
        Kit.equal(got.getProperty("WAIT"), "true", "WAIT");
    }

    public static void send_large_bodies() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        byte[] noise = new byte[1 << 20];
        new Random(1).nextBytes(noise);
        byte[] pattern = new byte[3 << 20];
        for (int i = 0; i < pattern.length; i++) {
            pattern[i] = (byte) (i / 1000);
        }
        byte[] limit = new byte[4096];
        producer.send(new Message(topic, noise));
        producer.send(new Message(topic, pattern));
        producer.send(new Message(topic, limit));
        List<MessageExt> stored = all(topic, 0, 3);
        Kit.check(Arrays.equals(stored.get(0).getBody(), noise), "noise comes back");
        Kit.check(Arrays.equals(stored.get(1).getBody(), pattern), "pattern comes back");
        Kit.check(Arrays.equals(stored.get(2).getBody(), limit), "4096 octets come back");
        Kit.check(stored.get(1).getStoreSize() < 100_000, "the pattern is stored compressed, in " + stored.get(1).getStoreSize());
    }

    public static void send_too_large() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        producer.setMaxMessageSize(16 << 20);
        byte[] noise = new byte[5 << 20];
        new Random(1).nextBytes(noise);
        MQBrokerException refused = Kit.raises(MQBrokerException.class, () -> producer.send(new Message(topic, noise)));
        Kit.equal(refused.getResponseCode(), 13, "code");
        producer.send(Kit.message(topic, "and goes on"));
    }

    public static void send_long_properties_refused() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Message message = Kit.message(topic, "m");
        char[] letters = new char[33000];
        Arrays.fill(letters, 'p');
        message.putUserProperty("long", new String(letters));
        MQBrokerException refused = Kit.raises(MQBrokerException.class, () -> producer.send(message));
        Kit.equal(refused.getResponseCode(), 13, "code");
    }

    /** A broker stores what it is sent to a topic that is only to be read; it is producers that find no queue to write. */
    public static void send_without_permission() throws Exception {
        String topic = Kit.topic(1, 4);
        DefaultMQProducer producer = Kit.producer();
        Kit.raises(MQClientException.class, () -> producer.send(Kit.message(topic, "m")));
    }

    public static void pull_without_permission() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("group"));
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
        Kit.producer().send(Kit.message(topic, "m"));
        consumer.pull(queue, "*", 0, 32);
        Kit.admin.createAndUpdateTopicConfig(Kit.broker, new TopicConfig(topic, 1, 1, 2));
        MQBrokerException refused = Kit.raises(MQBrokerException.class, () -> consumer.pull(queue, "*", 0, 32));
        Kit.equal(refused.getResponseCode(), 16, "code");
    }

    public static void send_to_queue_that_is_not_there() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        MQBrokerException refused = Kit.raises(MQBrokerException.class,
                () -> producer.send(Kit.message(topic, "m"), new MessageQueue(topic, Kit.brokerName, 99)));
        Kit.check(refused.getResponseCode() == 29 || refused.getResponseCode() == 1, "code 29, before 5 code 1: " + refused.getResponseCode());
    }

    public static void send_creates_topic() throws Exception {
        String topic = Kit.name("created-by-send");
        DefaultMQProducer producer = Kit.producer();
        SendResult sent = producer.send(Kit.message(topic, "m"));
        Kit.equal(sent.getSendStatus(), SendStatus.SEND_OK, "status");
        Kit.await(() -> Kit.admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getWriteQueueNums() == 4, "a route of 4 queues", 20);
        Kit.equal(Kit.admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm(), 6, "permissions");
    }

    public static void topic_that_is_not_there() throws Exception {
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("group"));
        Kit.raises(MQClientException.class, () -> consumer.fetchSubscribeMessageQueues(Kit.name("nowhere")));
    }

    public static void send_in_namespace() throws Exception {
        String topic = Kit.name("topic");
        Kit.createTopic(new TopicConfig("NS%" + topic, 1, 1, 6));
        DefaultMQProducer producer = new DefaultMQProducer("NS", Kit.name("producer"), Kit.hook());
        Kit.start(producer);
        SendResult sent = producer.send(Kit.message(topic, "m"));
        Kit.equal(sent.getMessageQueue().getTopic(), topic, "topic without its namespace");
        all("NS%" + topic, 0, 1);
    }

    public static void send_from_many_threads() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        Set<String> places = ConcurrentHashMap.newKeySet();
        List<Thread> threads = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int t = 0; t < 8; t++) {
            Thread thread = new Thread(() -> {
                try {
                    for (int i = 0; i < 50; i++) {
                        SendResult sent = producer.send(Kit.message(topic, "m"));
                        places.add(sent.getMessageQueue().getQueueId() + "/" + sent.getQueueOffset());
                    }
                } catch (Exception e) {
                    failure.set(e);
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Kit.equal(failure.get(), null, "failure");
        Kit.equal(places.size(), 400, "different places");
        Kit.await(() -> total(producer, topic) == 400, "400 messages in the queues", 20);
    }

    /** Sum of the queues' max offsets. */
    static long total(DefaultMQProducer producer, String topic) throws Exception {
        long sum = 0;
        for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
            sum += producer.maxOffset(queue);
        }
        return sum;
    }

    /** What is in a queue once it has so many messages: a broker may show a message a moment after it acknowledged it. */
    static List<MessageExt> all(String topic, int queueId, int count) throws Exception {
        List<MessageExt> messages = new ArrayList<>();
        Kit.await(() -> {
            messages.clear();
            messages.addAll(all(topic, queueId));
            return messages.size() >= count;
        }, count + " messages in queue " + queueId + " of " + topic + " (there are {})", 20, messages::size);
        Kit.equal(messages.size(), count, "messages");
        return messages;
    }

    /** Everything in a queue, by a pull consumer. */
    static List<MessageExt> all(String topic, int queueId) throws Exception {
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("reader"));
        MessageQueue queue = new MessageQueue(topic, Kit.brokerName, queueId);
        consumer.fetchSubscribeMessageQueues(topic);  // so that it knows the broker's address
        List<MessageExt> messages = new ArrayList<>();
        long offset = consumer.minOffset(queue);
        long end = consumer.maxOffset(queue);
        long[] at = {offset};
        Kit.await(() -> {
            if (at[0] < end) {
                PullResult result = consumer.pull(queue, "*", at[0], 32);
                if (result.getMsgFoundList() != null) {
                    messages.addAll(result.getMsgFoundList());
                }
                at[0] = result.getNextBeginOffset();
            }
            return at[0] >= end;
        }, "reading " + queue + " to " + end, 30);
        return messages;
    }
}
