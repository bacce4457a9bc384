import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages that are seen once their producer's own transaction is decided. */
final class Transactions {
    private Transactions() {}

    /** Decides at once by the body ("commit...", "rollback...", else unknown), and later, when asked, by its first answer. */
    static final class Decider implements TransactionListener {
        final LocalTransactionState whenAsked;
        final List<MessageExt> asked = new CopyOnWriteArrayList<>();

        Decider(LocalTransactionState whenAsked) {
            this.whenAsked = whenAsked;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            String body = Kit.text(message);
            return body.startsWith("commit") ? LocalTransactionState.COMMIT_MESSAGE
                    : body.startsWith("rollback") ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOW;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            asked.add(message);
            return whenAsked;
        }
    }

    public static void transaction_commit() throws Exception {
        String topic = Kit.topic(2);
        Kit.Inbox inbox = Kit.consume(topic, "Tag");
        TransactionMQProducer producer = Kit.transactions(Kit.name("producer"), new Decider(LocalTransactionState.UNKNOW));
        Message message = Kit.message(topic, "Tag", "commit");
        message.setKeys("key");
        message.putUserProperty("colour", "blue");
        TransactionSendResult sent = producer.sendMessageInTransaction(message, null);
        Kit.equal(sent.getLocalTransactionState(), LocalTransactionState.COMMIT_MESSAGE, "state");
        Kit.equal(sent.getTransactionId(), sent.getMsgId(), "transaction id");
        inbox.awaitCount(1, "the message");
        MessageExt got = inbox.messages.get(0);
        Kit.equal(got.getMsgId(), sent.getMsgId(), "id");
        Kit.equal(got.getTopic(), topic, "topic");
        Kit.equal(got.getUserProperty("colour"), "blue", "property");
        Kit.equal(got.getKeys(), "key", "key");
        Kit.equal(got.getTransactionId(), sent.getTransactionId(), "transaction id of the message");
        Kit.equal(got.getSysFlag() & 12, 8, "transaction bits of the system flag");
        Kit.check(got.getQueueOffset() == 0, "offset in its own queue");
    }

    public static void transaction_rollback() throws Exception {
        String topic = Kit.topic(1);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        TransactionMQProducer producer = Kit.transactions(Kit.name("producer"), new Decider(LocalTransactionState.COMMIT_MESSAGE));
        TransactionSendResult sent = producer.sendMessageInTransaction(Kit.message(topic, "rollback"), null);
        Kit.equal(sent.getLocalTransactionState(), LocalTransactionState.ROLLBACK_MESSAGE, "state");
        producer.sendMessageInTransaction(Kit.message(topic, "commit"), null);
        inbox.awaitCount(1, "the committed one");
        Kit.equal(inbox.bodies(), List.of("commit"), "messages");
    }

    public static void transaction_asked_then_commit() throws Exception {
        String topic = Kit.topic(1);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        Decider decider = new Decider(LocalTransactionState.COMMIT_MESSAGE);
        Message message = Kit.message(topic, "Tag", "unknown");
        message.setKeys("key");
        TransactionSendResult sent = Kit.transactions(Kit.name("producer"), decider).sendMessageInTransaction(message, null);
        Kit.equal(sent.getLocalTransactionState(), LocalTransactionState.UNKNOW, "state");
        inbox.awaitCount(1, "the message");
        MessageExt asked = decider.asked.get(0);
        Kit.equal(asked.getTopic(), topic, "topic asked about");
        Kit.equal(asked.getTransactionId(), sent.getTransactionId(), "transaction asked about");
        Kit.equal(asked.getTags() + asked.getKeys() + Kit.text(asked), "Tagkeyunknown", "message asked about");
        Kit.equal(inbox.messages.get(0).getMsgId(), sent.getMsgId(), "id");
    }

    public static void transaction_asked_then_rollback() throws Exception {
        String topic = Kit.topic(1);
        Kit.Inbox inbox = Kit.consume(topic, "*");
        Decider decider = new Decider(LocalTransactionState.ROLLBACK_MESSAGE);
        TransactionMQProducer producer = Kit.transactions(Kit.name("producer"), decider);
        producer.sendMessageInTransaction(Kit.message(topic, "unknown"), null);
        Kit.await(() -> !decider.asked.isEmpty(), "the broker asks", 40);
        producer.sendMessageInTransaction(Kit.message(topic, "commit"), null);
        inbox.awaitCount(1, "the committed one");
        Kit.equal(inbox.bodies(), List.of("commit"), "messages");
    }

    /** A producer that goes on saying "unknown" is asked again. */
    @Scenarios.Slow
    public static void transaction_asked_again() throws Exception {
        String topic = Kit.topic(1);
        Decider decider = new Decider(LocalTransactionState.UNKNOW);
        Kit.transactions(Kit.name("producer"), decider).sendMessageInTransaction(Kit.message(topic, "unknown"), null);
        Kit.await(() -> decider.asked.size() >= 2, "asked twice", 60);
        Kit.equal(decider.asked.get(1).getTransactionId(), decider.asked.get(0).getTransactionId(), "transaction");
        Kit.equal(decider.asked.get(1).getProperty("TRANSACTION_CHECK_TIMES"), "2", "TRANSACTION_CHECK_TIMES");
    }

    /** The sender has gone: another producer of its group is asked. */
    public static void transaction_sender_gone() throws Exception {
        String topic = Kit.topic(1);
        String group = Kit.name("producer");
        Kit.Inbox inbox = Kit.consume(topic, "*");
        TransactionMQProducer sender = Kit.transactions(group, new Decider(LocalTransactionState.UNKNOW));
        sender.sendMessageInTransaction(Kit.message(topic, "unknown"), null);
        sender.shutdown();
        Decider decider = new Decider(LocalTransactionState.COMMIT_MESSAGE);
        TransactionMQProducer other = Kit.transactions(group, decider);
        other.sendMessageInTransaction(Kit.message(topic, "commit"), null);  // makes it known to the broker at once
        inbox.awaitCount(2, "both messages");
        Kit.equal(decider.asked.size() >= 1, true, "the other was asked");
    }

    /** CHECK_IMMUNITY_TIME_IN_SECONDS: not asked before that time. */
    @Scenarios.Slow
    public static void transaction_immunity() throws Exception {
        String topic = Kit.topic(1);
        AtomicInteger askedAfterMs = new AtomicInteger();
        long began = System.currentTimeMillis();
        TransactionMQProducer producer = Kit.transactions(Kit.name("producer"), new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                askedAfterMs.compareAndSet(0, (int) (System.currentTimeMillis() - began));
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        Message message = Kit.message(topic, "unknown");
        message.putUserProperty("CHECK_IMMUNITY_TIME_IN_SECONDS", "5");
        SendResult sent = producer.sendMessageInTransaction(message, null);
        Kit.check(sent.getMsgId() != null, "sent");
        Kit.await(() -> askedAfterMs.get() > 0, "the broker asks", 60);
        Kit.check(askedAfterMs.get() >= 4900, "not before 5 s: " + askedAfterMs.get());
    }
}
