import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.MessageExt;

/** Ordered messages: queues chosen by key, and queues that a consumer locks. */
final class Ordering {
    private Ordering() {}

    static DefaultMQPushConsumer orderly(String group, String topic, MessageListenerOrderly listener) throws Exception {
        DefaultMQPushConsumer consumer = Kit.consumer(group);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    public static void orderly_by_key() throws Exception {
        String topic = Kit.topic(4);
        DefaultMQProducer producer = Kit.producer();
        Map<String, List<Integer>> seen = new ConcurrentHashMap<>();
        AtomicInteger count = new AtomicInteger();
        orderly(Kit.name("group"), topic, (messages, context) -> {
            for (MessageExt message : messages) {
                String[] parts = Kit.text(message).split(":");
                seen.computeIfAbsent(parts[0], key -> new CopyOnWriteArrayList<>()).add(Integer.valueOf(parts[1]));
                count.incrementAndGet();
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            expected.add(i);
            for (int key = 0; key < 5; key++) {
                producer.send(Kit.message(topic, "key" + key + ":" + i), new SelectMessageQueueByHash(), "key" + key);
            }
        }
        Kit.await(() -> count.get() >= 100, "100 messages (are {})", 40, count::get);
        for (int key = 0; key < 5; key++) {
            Kit.equal(seen.get("key" + key), expected, "order of key" + key);
        }
    }

    /** A message that could not be handled comes again in its place, and nothing behind it before. */
    public static void orderly_retry_in_place() throws Exception {
        String topic = Kit.topic(1);
        Kit.send(Kit.producer(), topic, "m", 5);
        List<String> seen = new CopyOnWriteArrayList<>();
        AtomicInteger refusals = new AtomicInteger();
        orderly(Kit.name("group"), topic, (messages, context) -> {
            String body = Kit.text(messages.get(0));
            seen.add(body);
            if (body.equals("m2") && refusals.getAndIncrement() < 2) {
                context.setSuspendCurrentQueueTimeMillis(100);
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        Kit.await(() -> seen.contains("m4"), "the last message ({})", 40, () -> seen);
        Kit.equal(seen, List.of("m0", "m1", "m2", "m2", "m2", "m3", "m4"), "what was seen");
    }

    /** With its limit of retries reached, an orderly consumer sends the message to its retry topic, and from there to the dead letters. */
    public static void orderly_dead_letter() throws Exception {
        String topic = Kit.topic(1);
        String group = Kit.name("group");
        Kit.send(Kit.producer(), topic, "m", 3);
        List<String> seen = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = Kit.consumer(group);
        consumer.setMaxReconsumeTimes(1);
        consumer.setSuspendCurrentQueueTimeMillis(100);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            seen.add(Kit.text(messages.get(0)));
            return Kit.text(messages.get(0)).equals("m1") ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Kit.await(() -> seen.contains("m2"), "what is behind it ({})", 40, () -> seen);
        Kit.await(() -> Sending.all("%DLQ%" + group, 0).size() == 1, "the dead letter", 40);
        Kit.equal(Kit.text(Sending.all("%DLQ%" + group, 0).get(0)), "m1", "body");
    }

    /** Two orderly consumers never have the same queue at a time, and a queue goes over when one ends. */
    @Scenarios.Slow
    public static void orderly_locks() throws Exception {
        String topic = Kit.topic(4);
        String group = Kit.name("group");
        DefaultMQProducer producer = Kit.producer();
        Map<Integer, AtomicInteger> inside = new ConcurrentHashMap<>();
        Map<Integer, Long> last = new ConcurrentHashMap<>();
        AtomicReference<String> broken = new AtomicReference<>();
        AtomicInteger count = new AtomicInteger();
        Map<String, AtomicInteger> by = new ConcurrentHashMap<>();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        for (String name : new String[] {"one", "two"}) {
            consumers.add(orderly(group, topic, (messages, context) -> {
                for (MessageExt message : messages) {
                    int queue = message.getQueueId();
                    if (inside.computeIfAbsent(queue, q -> new AtomicInteger()).incrementAndGet() > 1) {
                        broken.set("queue " + queue + " handled by two at a time");
                    }
                    Long before = last.put(queue, message.getQueueOffset());
                    if (before != null && message.getQueueOffset() > before + 1) {
                        broken.set("queue " + queue + ": offset " + message.getQueueOffset() + " came after " + before);
                    }
                    inside.get(queue).decrementAndGet();
                    by.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
                    count.incrementAndGet();
                }
                return ConsumeOrderlyStatus.SUCCESS;
            }));
        }
        int[] sent = {0};
        Kit.await(() -> {
            producer.send(Kit.message(topic, "m" + sent[0]++));
            return by.size() == 2;
        }, "both consumers have messages", 60);
        consumers.get(0).shutdown();
        int before = by.get("two").get();
        Kit.send(producer, topic, "late", 20);
        Kit.await(() -> last.values().stream().mapToLong(offset -> offset + 1).sum() == sent[0] + 20,
                "the other goes on with all queues ({})", 60, () -> last + " of " + (sent[0] + 20));
        Kit.check(by.get("two").get() >= before + 20, "it had the late ones");
        Kit.equal(broken.get(), null, "what broke");
    }
}
