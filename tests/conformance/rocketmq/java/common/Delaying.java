import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages delayed by level. */
final class Delaying {
    private Delaying() {}

    private static void delayed(int level, long ms) throws Exception {
        String topic = Kit.topic(2);
        Kit.Inbox inbox = Kit.consume(topic, "Tag");
        Message message = Kit.message(topic, "Tag", "late");
        message.setKeys("key");
        message.setDelayTimeLevel(level);
        DefaultMQProducer producer = Kit.producer();
        SendResult sent = producer.send(message);
        producer.send(Kit.message(topic, "Tag", "now"));
        inbox.awaitCount(2, "both");
        MessageExt late = inbox.get("late");
        long took = inbox.arrived.get("late") - late.getBornTimestamp();
        Kit.check(took >= ms - 50, "it waits " + ms + " ms: " + took);
        long delivered = late.getStoreTimestamp() - late.getBornTimestamp();
        Kit.check(delivered >= ms - 50 && delivered < ms + 5000, "it is delivered after " + ms + " ms: " + delivered);
        Kit.equal(late.getTopic(), topic, "topic");
        Kit.equal(late.getMsgId(), sent.getMsgId(), "id");
        Kit.check(!Kit.offsetId(late).equals(sent.getOffsetMsgId()), "its offset id is another one than when sent");
        Kit.equal(late.getKeys(), "key", "key");
        Kit.equal(late.getProperty("REAL_TOPIC"), topic, "REAL_TOPIC");
    }

    public static void delay_level_1() throws Exception {
        delayed(1, 1000);
    }

    @Scenarios.Slow
    public static void delay_level_2() throws Exception {
        delayed(2, 5000);
    }

    /** Of one level, messages come in the order in which they were sent. */
    public static void delay_keeps_order() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox inbox = Kit.consume(topic, "*");
        for (int i = 0; i < 10; i++) {
            Message message = Kit.message(topic, "m" + i);
            message.setDelayTimeLevel(1);
            producer.send(message);
        }
        inbox.awaitCount(10, "delayed messages");
        java.util.List<MessageExt> stored = Sending.all(topic, 0, 10);
        for (int i = 0; i < 10; i++) {
            Kit.equal(Kit.text(stored.get(i)), "m" + i, "place " + i);
        }
    }
}
