import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Looking for stored messages. */
final class Querying {
    private Querying() {}

    public static void query_by_key() throws Exception {
        String topic = Kit.topic(2);
        String key = Kit.name("key");
        DefaultMQProducer producer = Kit.producer();
        for (int i = 0; i < 6; i++) {
            Message message = Kit.message(topic, "m" + i);
            message.setKeys(i % 2 == 0 ? key + " even" : key + "-odd odd");
            producer.send(message);
        }
        long now = System.currentTimeMillis();
        Kit.await(() -> query(topic, key, 0, now + 60000).size() == 3, "three messages of the key", 30);
        Kit.equal(query(topic, key, 0, now + 60000), Set.of("m0", "m2", "m4"), "messages");
        Kit.equal(query(topic, "even", 0, now + 60000), Set.of("m0", "m2", "m4"), "messages of the second key");
        MQClientException none = Kit.raises(MQClientException.class, () -> query(topic, key, 0, now - 3_600_000));
        Kit.equal(none.getResponseCode(), 208, "code when nothing is in that time");
        Kit.raises(MQClientException.class, () -> query(topic, "no such key", 0, now + 60000));
        Kit.raises(MQClientException.class, () -> query(Kit.topic(1), key, 0, now + 60000));
    }

    private static Set<String> query(String topic, String key, long begin, long end) throws Exception {
        QueryResult result = Kit.admin.queryMessage(topic, key, 32, begin, end);
        return result.getMessageList().stream().map(Kit::text).collect(Collectors.toSet());
    }

    public static void query_by_unique_id() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        SendResult sent = producer.send(Kit.message(topic, "m"));
        producer.send(Kit.message(topic, "other"));
        Kit.await(() -> producer.viewMessage(topic, sent.getMsgId()) != null, "found", 30);
        MessageExt found = producer.viewMessage(topic, sent.getMsgId());
        Kit.equal(Kit.text(found), "m", "body");
        Kit.equal(found.getMsgId(), sent.getMsgId(), "id");
        Kit.equal(found.getQueueOffset(), sent.getQueueOffset(), "queue offset");
    }

    public static void query_by_offset_id() throws Exception {
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        SendResult sent = producer.send(Kit.message(topic, "m"));
        MessageExt found = Compat.byOffsetId(producer, topic, sent.getOffsetMsgId());
        Kit.equal(Kit.text(found), "m", "body");
        Kit.equal(found.getTopic(), topic, "topic");
        String wrong = sent.getOffsetMsgId().substring(0, 16) + "00000FFFFFFFFFFF";
        Kit.raises(MQBrokerException.class, () -> Compat.byOffsetId(producer, topic, wrong));
    }

    /** Of a key with many messages, the newest come. */
    public static void query_limit() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        for (int i = 0; i < 50; i++) {
            Message message = Kit.message(topic, "m" + i);
            message.setKeys("same");
            producer.send(message);
        }
        long now = System.currentTimeMillis() + 60000;
        Kit.await(() -> Kit.admin.queryMessage(topic, "same", 64, 0, now).getMessageList().size() == 50, "all 50", 30);
        List<MessageExt> some = Kit.admin.queryMessage(topic, "same", 10, 0, now).getMessageList();
        Kit.equal(some.size(), 10, "at most 10");
        Kit.check(some.stream().anyMatch(message -> Kit.text(message).equals("m49")), "the newest among them");
    }
}
