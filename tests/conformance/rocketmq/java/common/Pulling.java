import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that ask for themselves, offsets, and requests that want a reply. */
final class Pulling {
    private Pulling() {}

    public static void pull_statuses() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("group"));
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
        PullResult empty = consumer.pull(queue, "*", 0, 32);
        Kit.equal(empty.getPullStatus(), PullStatus.NO_NEW_MSG, "an empty queue");
        for (int i = 0; i < 10; i++) {
            producer.send(Kit.message(topic, "TagA", "m" + i));
        }
        Kit.await(() -> consumer.maxOffset(queue) == 10, "10 messages in the queue", 20);
        PullResult found = consumer.pull(queue, "*", 0, 32);
        Kit.equal(found.getPullStatus(), PullStatus.FOUND, "messages");
        Kit.equal(found.getMsgFoundList().size(), 10, "messages");
        Kit.equal(found.getNextBeginOffset(), 10L, "next offset");
        Kit.equal(found.getMinOffset() + " " + found.getMaxOffset(), "0 10", "min and max");
        Kit.equal(consumer.pull(queue, "*", 3, 4).getMsgFoundList().size(), 4, "messages, at most 4");
        Kit.equal(consumer.pull(queue, "*", 10, 32).getPullStatus(), PullStatus.NO_NEW_MSG, "at the end");
        PullResult other = consumer.pull(queue, "TagB", 0, 32);
        Kit.equal(other.getPullStatus(), PullStatus.NO_MATCHED_MSG, "a tag that none has");
        Kit.equal(other.getNextBeginOffset(), 10L, "next offset then");
        PullResult beyond = consumer.pull(queue, "*", 50, 32);
        Kit.equal(beyond.getPullStatus(), PullStatus.OFFSET_ILLEGAL, "beyond the end");
        Kit.equal(beyond.getNextBeginOffset(), 10L, "offset to go on with");
    }

    public static void pull_blocks_until_found() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("group"));
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
        AtomicReference<Object> result = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        Thread waits = new Thread(() -> {
            try {
                result.set(consumer.pullBlockIfNotFound(queue, "*", 0, 32));
            } catch (Exception e) {
                result.set(e);
            }
            done.countDown();
        });
        waits.start();
        Kit.check(!done.await(1, TimeUnit.SECONDS), "it waits while there is nothing: " + result.get());
        producer.send(Kit.message(topic, "m"));
        Kit.check(done.await(3, TimeUnit.SECONDS), "it ends when a message comes");
        Kit.equal(((PullResult) result.get()).getPullStatus(), PullStatus.FOUND, "status");
    }

    public static void pull_offsets_of_group() throws Exception {
        String topic = Kit.topic(2);
        String group = Kit.name("group");
        Kit.send(Kit.producer(), topic, "m", 10);
        DefaultMQPullConsumer consumer = Kit.puller(group);
        MessageQueue queue = new MessageQueue(topic, Kit.brokerName, 1);
        consumer.registerMessageQueueListener(topic, null);
        consumer.fetchSubscribeMessageQueues(topic);
        consumer.pull(queue, "*", 0, 32);
        consumer.updateConsumeOffset(queue, 3);
        consumer.getDefaultMQPullConsumerImpl().getOffsetStore().persist(queue);
        Kit.await(() -> Kit.puller(group).fetchConsumeOffset(queue, true) == 3, "another consumer of the group sees the offset", 20);
    }

    public static void offsets_by_time() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        MessageQueue queue = new MessageQueue(topic, Kit.brokerName, 0);
        List<Long> stored = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            producer.send(Kit.message(topic, "m" + i));
            long now = System.currentTimeMillis();
            Kit.await(() -> System.currentTimeMillis() > now + 5, "the next millisecond", 5);
        }
        for (MessageExt message : Sending.all(topic, 0, 5)) {
            stored.add(message.getStoreTimestamp());
        }
        for (int i = 0; i < 5; i++) {
            Kit.equal(producer.searchOffset(queue, stored.get(i)), (long) i, "offset of the store time of " + i);
            Kit.equal(producer.searchOffset(queue, stored.get(i) - 1), (long) i, "offset of a millisecond before " + i);
        }
        Kit.equal(producer.searchOffset(queue, 0), 0L, "offset of the beginning of time");
        Kit.equal(producer.searchOffset(queue, System.currentTimeMillis() + 60000), 5L, "offset of a time to come");
        Kit.equal(producer.earliestMsgStoreTime(queue), stored.get(0), "store time of the first");
    }

    private static Set<String> poll(DefaultLitePullConsumer consumer, int count) throws Exception {
        Set<String> bodies = new HashSet<>();
        Kit.await(() -> {
            consumer.poll(200).forEach(message -> bodies.add(Kit.text(message)));
            return bodies.size() >= count;
        }, count + " messages (there are {})", 40, bodies::size);
        return bodies;
    }

    public static void lite_subscribe_and_commit() throws Exception {
        String topic = Kit.topic(4);
        String group = Kit.name("group");
        DefaultMQProducer producer = Kit.producer();
        List<String> sent = Kit.send(producer, topic, "old", 40);
        DefaultLitePullConsumer one = Kit.lite(group);
        one.subscribe(topic, "*");
        one.start();
        Kit.equal(poll(one, 40), new HashSet<>(sent), "messages");
        one.commitSync();
        one.shutdown();
        List<String> later = Kit.send(producer, topic, "new", 40);
        DefaultLitePullConsumer two = Kit.lite(group);
        two.subscribe(topic, "*");
        two.start();
        Kit.equal(poll(two, 40), new HashSet<>(later), "messages after a restart");
    }

    public static void lite_assign_and_seek() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.send(producer, topic, "m", 10);
        DefaultLitePullConsumer consumer = Kit.lite(Kit.name("group"));
        consumer.start();
        Collection<MessageQueue> queues = consumer.fetchMessageQueues(topic);
        MessageQueue queue = queues.iterator().next();
        consumer.assign(queues);
        consumer.seek(queue, 7);
        Kit.equal(poll(consumer, 3), Set.of("m7", "m8", "m9"), "from 7 on");
        consumer.seekToBegin(queue);
        Kit.equal(poll(consumer, 10).size(), 10, "from the beginning");
        consumer.seekToEnd(queue);
        producer.send(Kit.message(topic, "last"));
        Kit.equal(poll(consumer, 1), Set.of("last"), "from the end");
        consumer.commitSync();
        Kit.await(() -> consumer.committed(queue) == 11, "committed offset", 20);
        Kit.equal(consumer.offsetForTimestamp(queue, 0L), 0L, "offset for time 0");
    }

    public static void lite_filters() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        for (int i = 0; i < 10; i++) {
            Message message = Kit.message(topic, "Tag" + i % 2, "m" + i);
            message.putUserProperty("a", String.valueOf(i));
            producer.send(message);
        }
        DefaultLitePullConsumer tags = Kit.lite(Kit.name("group"));
        tags.subscribe(topic, "Tag1");
        tags.start();
        DefaultLitePullConsumer sql = Kit.lite(Kit.name("group"));
        sql.subscribe(topic, MessageSelector.bySql("a >= 7"));
        sql.start();
        Kit.equal(poll(tags, 5), Set.of("m1", "m3", "m5", "m7", "m9"), "Tag1");
        Kit.equal(poll(sql, 3), Set.of("m7", "m8", "m9"), "a >= 7");
    }

    private static void answerRequests(String topic, DefaultMQProducer replies) throws Exception {
        Kit.consume(Kit.name("group"), topic, "*", (messages, context) -> {
            for (MessageExt message : messages) {
                try {
                    replies.send(MessageUtil.createReplyMessage(message, ("reply to " + Kit.text(message)).getBytes()), 5000);
                } catch (Exception e) {
                    System.err.println("while replying: " + e);
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
    }

    public static void request_and_reply() throws Exception {
        String topic = Kit.topic(2);
        answerRequests(topic, Kit.producer());
        DefaultMQProducer producer = Kit.producer();
        for (int i = 0; i < 3; i++) {
            Message reply = producer.request(Kit.message(topic, "r" + i), 20000);
            Kit.equal(Kit.text(reply), "reply to r" + i, "reply");
        }
        CountDownLatch done = new CountDownLatch(1);
        AtomicReference<Object> result = new AtomicReference<>();
        producer.request(Kit.message(topic, "async"), new RequestCallback() {
            @Override
            public void onSuccess(Message message) {
                result.set(Kit.text(message));
                done.countDown();
            }

            @Override
            public void onException(Throwable e) {
                result.set(e);
                done.countDown();
            }
        }, 20000);
        Kit.check(done.await(25, TimeUnit.SECONDS), "an answer");
        Kit.equal(result.get(), "reply to async", "reply");
    }

    public static void request_without_reply() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.raises(RequestTimeoutException.class, () -> producer.request(Kit.message(topic, "nobody answers"), 4000));
    }
}
