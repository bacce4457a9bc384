import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Push consumers: who gets what, how often, from where on. */
final class Consuming {
    private Consuming() {}

    public static void push_one_consumer() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        List<String> sent = Kit.send(producer, topic, "before", 50);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        inbox.awaitCount(50, "what was there");
        sent.addAll(Kit.send(producer, topic, "after", 50));
        inbox.awaitCount(100, "what came later");
        Kit.equal(sorted(inbox.bodies()), sorted(sent), "messages, each once");
    }

    public static void push_clustering() throws Exception {
        String topic = Kit.topic(4);
        String group = Kit.name("group");
        Kit.Inbox one = new Kit.Inbox();
        Kit.Inbox two = new Kit.Inbox();
        DefaultMQPushConsumer first = Kit.consume(group, topic, "*", one);
        DefaultMQPushConsumer second = Kit.consume(group, topic, "*", two);
        Kit.await(() -> queues(first, topic) == 2 && queues(second, topic) == 2, "two queues each", 40);
        List<String> sent = Kit.send(Kit.producer(), topic, "m", 100);
        Kit.await(() -> one.messages.size() + two.messages.size() >= 100, "100 messages", 40);
        List<String> got = one.bodies();
        got.addAll(two.bodies());
        Kit.equal(sorted(got), sorted(sent), "messages, each once");
        Kit.check(one.messages.size() == 50 && two.messages.size() == 50, "half each: " + one.messages.size() + " and " + two.messages.size());
    }

    public static void push_two_groups() throws Exception {
        String topic = Kit.topic(2);
        Kit.Inbox one = Kit.consume(topic, "*");
        Kit.Inbox two = Kit.consume(topic, "*");
        Kit.send(Kit.producer(), topic, "m", 30);
        one.awaitCount(30, "the first group");
        two.awaitCount(30, "the second group");
    }

    public static void push_broadcast() throws Exception {
        String topic = Kit.topic(2);
        String group = Kit.name("group");
        Kit.Inbox one = new Kit.Inbox();
        Kit.Inbox two = new Kit.Inbox();
        for (Kit.Inbox inbox : new Kit.Inbox[] {one, two}) {
            DefaultMQPushConsumer consumer = Kit.consumer(group);
            Compat.broadcast(consumer);
            consumer.setInstanceName(Kit.name("instance"));  // else both would be one client, since where offsets are kept depends on it
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(inbox);
            consumer.start();
        }
        Kit.send(Kit.producer(), topic, "m", 40);
        one.awaitCount(40, "the first");
        two.awaitCount(40, "the second");
    }

    public static void push_tags() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox some = Kit.consume(topic, "TagA || TagC");
        Kit.Inbox all = Kit.consume(topic, "*");
        for (int i = 0; i < 40; i++) {
            producer.send(Kit.message(topic, "Tag" + (char) ('A' + i % 4), "m" + i));
        }
        producer.send(Kit.message(topic, "no tag"));
        all.awaitCount(41, "all");
        some.awaitCount(20, "TagA and TagC");
        Kit.equal(some.messages.stream().map(Message::getTags).collect(Collectors.toSet()), Set.of("TagA", "TagC"), "tags");
        Kit.equal(some.messages.size(), 20, "messages");
    }

    /** "Aa" and "BB" have the same hash, which is all that a broker compares: the client must tell them apart. */
    public static void push_tags_with_equal_hash() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox inbox = Kit.consume(topic, "Aa");
        for (int i = 0; i < 10; i++) {
            producer.send(Kit.message(topic, i % 2 == 0 ? "Aa" : "BB", "m" + i));
        }
        inbox.awaitCount(5, "tag Aa");
        Kit.equal(sorted(inbox.bodies()), List.of("m0", "m2", "m4", "m6", "m8"), "messages");
    }

    public static void push_sql() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        String[] filters = {
            "a BETWEEN 3 AND 7", "a > 5 AND region IN ('x', 'y') AND TAGS IS NOT NULL", "b IS NULL", "NOT (a < 8)", "price >= 1.5 AND flag = TRUE",
            "region <> 'x' OR a = 0",
        };
        List<Set<String>> expected = List.of(
                Set.of("m3", "m4", "m5", "m6", "m7"), Set.of("m6", "m7", "m9"), Set.of("m1", "m3", "m5", "m7", "m9"), Set.of("m8", "m9"),
                Set.of("m3", "m6", "m9"), Set.of("m0", "m1", "m2", "m4", "m5", "m7", "m8"));
        List<Kit.Inbox> inboxes = new ArrayList<>();
        for (String filter : filters) {
            Kit.Inbox inbox = new Kit.Inbox();
            DefaultMQPushConsumer consumer = Kit.consumer(Kit.name("group"));
            consumer.subscribe(topic, MessageSelector.bySql(filter));
            consumer.registerMessageListener(inbox);
            consumer.start();
            inboxes.add(inbox);
        }
        for (int i = 0; i < 10; i++) {
            Message message = Kit.message(topic, "Tag", "m" + i);
            message.putUserProperty("a", String.valueOf(i));
            message.putUserProperty("region", String.valueOf("xyz".charAt(i % 3)));
            message.putUserProperty("price", String.valueOf(i * 0.5));
            message.putUserProperty("flag", i % 3 == 0 ? "TRUE" : "FALSE");
            if (i % 2 == 0) {
                message.putUserProperty("b", "yes");
            }
            producer.send(message);
        }
        for (int i = 0; i < filters.length; i++) {
            Kit.Inbox inbox = inboxes.get(i);
            Set<String> want = expected.get(i);
            Kit.await(() -> inbox.distinct().size() >= want.size(), filters[i] + " wants " + want + ", has {}", 30, inbox::distinct);
            Kit.equal(inbox.distinct(), want, filters[i]);
        }
    }

    public static void push_sql_wrong() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQPushConsumer consumer = Kit.consumer(Kit.name("group"));
        consumer.subscribe(topic, MessageSelector.bySql("a > > 5"));
        consumer.registerMessageListener(new Kit.Inbox());
        MQClientException refused = Kit.raises(MQClientException.class, consumer::start);
        Kit.equal(refused.getResponseCode(), 23, "code");
    }

    public static void push_retry() throws Exception {
        String topic = Kit.topic(1);
        List<MessageExt> seen = new CopyOnWriteArrayList<>();
        Kit.consume(Kit.name("group"), topic, "*", (messages, context) -> {
            seen.addAll(messages);
            context.setDelayLevelWhenNextConsume(1);
            return messages.get(0).getReconsumeTimes() < 2 ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        Message message = Kit.message(topic, "Tag", "m");
        message.setKeys("key");
        SendResult sent = Kit.producer().send(message);
        Kit.await(() -> seen.size() >= 3, "consumed three times (is {})", 40, seen::size);
        for (int i = 0; i < 3; i++) {
            MessageExt one = seen.get(i);
            Kit.equal(one.getReconsumeTimes(), i, "reconsume times");
            Kit.equal(one.getTopic(), topic, "topic");
            Kit.equal(one.getMsgId(), sent.getMsgId(), "id");
            Kit.equal(one.getTags() + one.getKeys() + Kit.text(one), "Tagkeym", "tag, key, body");
        }
        Kit.check(seen.get(1).getProperty("ORIGIN_MESSAGE_ID").equals(sent.getOffsetMsgId()), "ORIGIN_MESSAGE_ID is the first's offset id");
        Kit.check(seen.get(1).getStoreTimestamp() - seen.get(0).getStoreTimestamp() >= 900, "the retry waits for its delay level");
    }

    public static void push_dead_letter() throws Exception {
        String topic = Kit.topic(1);
        String group = Kit.name("group");
        AtomicInteger times = new AtomicInteger();
        DefaultMQPushConsumer consumer = Kit.consumer(group);
        consumer.setMaxReconsumeTimes(1);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            times.incrementAndGet();
            context.setDelayLevelWhenNextConsume(1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        SendResult sent = Kit.producer().send(Kit.message(topic, "Tag", "dead"));
        String dead = "%DLQ%" + group;
        Kit.await(() -> Kit.admin.examineTopicRouteInfo(dead).getQueueDatas().size() == 1, "the dead letter topic", 40);
        Kit.await(() -> Sending.all(dead, 0).size() == 1, "the dead letter", 20);
        MessageExt letter = Sending.all(dead, 0).get(0);
        Kit.equal(Kit.text(letter), "dead", "body");
        Kit.equal(letter.getMsgId(), sent.getMsgId(), "id");
        Kit.equal(letter.getTags(), "Tag", "tag");
        Kit.equal(letter.getProperty("RETRY_TOPIC"), topic, "RETRY_TOPIC");
        Kit.equal(times.get(), 2, "times consumed");
    }

    /** A negative delay level sends a message to the dead letters at once. */
    public static void push_dead_letter_at_once() throws Exception {
        String topic = Kit.topic(1);
        String group = Kit.name("group");
        Kit.consume(group, topic, "*", (messages, context) -> {
            context.setDelayLevelWhenNextConsume(-1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        Kit.producer().send(Kit.message(topic, "dead"));
        Kit.await(() -> Sending.all("%DLQ%" + group, 0).size() == 1, "the dead letter", 40);
    }

    public static void push_from_last() throws Exception {
        String topic = Kit.topic(1);
        String group = Kit.name("group");
        DefaultMQProducer producer = Kit.producer();
        // A queue that still begins at offset 0 is read from there whatever the consumer asks; so the group gets an offset first.
        Kit.send(producer, topic, "old", 5);
        Kit.Inbox first = new Kit.Inbox();
        DefaultMQPushConsumer before = Kit.consumer(group);
        before.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        before.subscribe(topic, "*");
        before.registerMessageListener(first);
        before.start();
        first.awaitCount(5, "from the start, since nothing was deleted yet");
        Kit.awaitSettled(group, topic);
        before.shutdown();
        Kit.send(producer, topic, "new", 5);
        Kit.Inbox second = new Kit.Inbox();
        Kit.consume(group, topic, "*", second);
        second.awaitCount(5, "the new ones");
        Kit.equal(sorted(second.bodies()), List.of("new0", "new1", "new2", "new3", "new4"), "messages");
    }

    public static void push_from_timestamp() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.send(producer, topic, "m", 5);
        DefaultMQPushConsumer consumer = Kit.consumer(Kit.name("group"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_TIMESTAMP);
        consumer.setConsumeTimestamp(UtilAll.timeMillisToHumanString3(System.currentTimeMillis() - 3_600_000));
        Kit.Inbox inbox = new Kit.Inbox();
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(inbox);
        consumer.start();
        inbox.awaitCount(5, "since an hour ago");
    }

    public static void offsets_survive_restart() throws Exception {
        String topic = Kit.topic(2);
        String group = Kit.name("group");
        DefaultMQProducer producer = Kit.producer();
        Kit.send(producer, topic, "old", 30);
        Kit.Inbox first = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", first);
        first.awaitCount(30, "the first consumer");
        Kit.awaitSettled(group, topic);
        consumer.shutdown();
        Kit.send(producer, topic, "new", 30);
        Kit.Inbox second = new Kit.Inbox();
        Kit.consume(group, topic, "*", second);
        second.awaitCount(30, "the second consumer");
        Kit.check(second.bodies().stream().allMatch(body -> body.startsWith("new")), "only what the first did not have");
        Kit.equal(second.messages.size(), 30, "messages");
    }

    /** A pull that waits at the broker is answered when a message comes, not when its time is over. */
    public static void push_is_quick() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Map<String, Long> arrived = new ConcurrentHashMap<>();
        Kit.consume(Kit.name("group"), topic, "*", (messages, context) -> {
            messages.forEach(message -> arrived.put(Kit.text(message), System.nanoTime()));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        producer.send(Kit.message(topic, "first"));
        Kit.await(() -> arrived.containsKey("first"), "the first", 30);
        List<Long> latencies = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            String body = "m" + i;
            long began = System.nanoTime();
            producer.send(Kit.message(topic, body));
            Kit.await(() -> arrived.containsKey(body), body, 30);
            latencies.add((arrived.get(body) - began) / 1_000_000);
        }
        Collections.sort(latencies);
        Kit.check(latencies.get(3) < 1000, "the median message takes less than a second: " + latencies + " ms");
    }

    public static void push_in_batches() throws Exception {
        String topic = Kit.topic(1);
        Kit.send(Kit.producer(), topic, "m", 60);
        List<Integer> sizes = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = Kit.consumer(Kit.name("group"));
        consumer.setConsumeMessageBatchMaxSize(20);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            sizes.add(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Kit.await(() -> sizes.stream().mapToInt(Integer::intValue).sum() == 60, "60 messages", 30);
        Kit.check(Collections.max(sizes) > 1, "several at a time: " + sizes);
    }

    public static void rebalance_on_join_and_leave() throws Exception {
        String topic = Kit.topic(6);
        String group = Kit.name("group");
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer one = Kit.consume(group, topic, "*", inbox);
        Kit.await(() -> queues(one, topic) == 6, "all queues", 40);
        DefaultMQPushConsumer two = Kit.consume(group, topic, "*", inbox);
        Kit.await(() -> queues(one, topic) == 3 && queues(two, topic) == 3, "three queues each", 60);
        DefaultMQPushConsumer three = Kit.consume(group, topic, "*", inbox);
        Kit.await(() -> queues(one, topic) == 2 && queues(two, topic) == 2 && queues(three, topic) == 2, "two queues each", 60);
        two.shutdown();
        Kit.await(() -> queues(one, topic) == 3 && queues(three, topic) == 3, "three queues each again", 60);
        List<String> sent = Kit.send(Kit.producer(), topic, "m", 60);
        inbox.awaitCount(60, "all of them");
        Kit.equal(inbox.distinct(), new HashSet<>(sent), "messages");
    }

    public static void subscribe_two_topics() throws Exception {
        String one = Kit.topic(1);
        String two = Kit.topic(1);
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consumer(Kit.name("group"));
        consumer.subscribe(one, "TagA");
        consumer.subscribe(two, "*");
        consumer.registerMessageListener(inbox);
        consumer.start();
        DefaultMQProducer producer = Kit.producer();
        producer.send(Kit.message(one, "TagA", "one"));
        producer.send(Kit.message(one, "TagB", "not this"));
        producer.send(Kit.message(two, "TagB", "two"));
        inbox.awaitCount(2, "of both topics");
        Kit.equal(inbox.distinct(), Set.of("one", "two"), "messages");
    }

    /** What producers and consumers with tracing on write about a message. */
    public static void trace() throws Exception {
        String traces = Kit.topic(1);
        String topic = Kit.topic(1);
        DefaultMQProducer producer = new DefaultMQProducer(Kit.name("producer"), Kit.hook(), true, traces);
        Kit.start(producer);
        DefaultMQPushConsumer consumer = Kit.prepared(Compat.tracing(Kit.name("group"), traces));
        Kit.Inbox inbox = new Kit.Inbox();
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(inbox);
        consumer.start();
        SendResult sent = producer.send(Kit.message(topic, "m"));
        inbox.awaitCount(1, "the message");
        Kit.await(() -> {
            String all = Sending.all(traces, 0).stream().map(Kit::text).collect(Collectors.joining());
            return all.contains("Pub") && all.contains("SubBefore") && all.contains("SubAfter") && all.contains(sent.getMsgId());
        }, "Pub, SubBefore and SubAfter of the message", 40);
    }

    static List<String> sorted(List<String> bodies) {
        return bodies.stream().sorted().collect(Collectors.toList());
    }

    /** Of how many queues of the topic this consumer is given the messages now. */
    static long queues(DefaultMQPushConsumer consumer, String topic) {
        return consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet().stream()
                .filter((MessageQueue queue) -> queue.getTopic().equals(topic)).count();
    }
}
