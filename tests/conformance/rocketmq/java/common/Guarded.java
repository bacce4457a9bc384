import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Who may do what, for a broker with access control. -Dchorus.access and -Dchorus.secret are an administrator's. There is, or Compat.limit() makes,
 * the account "limited-user" with "limited-secret": it may send to and read guarded-allowed, read guarded-readonly, and consume as guarded-group.
 */
final class Guarded {
    static final String USER = "limited-user";
    static final String SECRET = "limited-secret";
    static final String ALLOWED = "guarded-allowed";
    static final String READ_ONLY = "guarded-readonly";
    static final String DENIED = "guarded-denied";
    static final String GROUP = "guarded-group";
    private static boolean ready;

    private Guarded() {}

    private static synchronized RPCHook limited() throws Exception {
        if (!ready) {
            for (String topic : List.of(ALLOWED, READ_ONLY, DENIED)) {
                Kit.createTopic(new TopicConfig(topic, 1, 1, 6));
                Kit.send(Kit.producer(), topic, "by-admin", 1);
            }
            Compat.createGroup(GROUP, 16, true);
            Compat.limit();
            ready = true;
        }
        return Kit.hook(USER, SECRET);
    }

    private static DefaultMQProducer producer(RPCHook hook) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(Kit.name("producer"), hook);
        Kit.start(producer);
        producer.setRetryTimesWhenSendFailed(0);
        return producer;
    }

    private static void refused(Kit.Action action) throws Exception {
        Exception refused = Kit.raises(Exception.class, action);
        int code = refused instanceof MQBrokerException ? ((MQBrokerException) refused).getResponseCode()
                : refused instanceof MQClientException ? ((MQClientException) refused).getResponseCode() : -1;
        Kit.check(code == 16 || code == 1, "code 16, before 5 code 1: " + refused);
    }

    public static void guarded_send_and_consume() throws Exception {
        RPCHook hook = limited();
        DefaultMQProducer producer = producer(hook);
        Kit.equal(producer.send(Kit.message(ALLOWED, "by-user")).getSendStatus(), SendStatus.SEND_OK, "status");
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.prepared(new DefaultMQPushConsumer(GROUP, hook, new AllocateMessageQueueAveragely()));
        consumer.subscribe(ALLOWED, "*");
        consumer.registerMessageListener(inbox);
        consumer.start();
        inbox.awaitCount(2, "by the administrator and by the user");
    }

    public static void guarded_other_topic() throws Exception {
        DefaultMQProducer producer = producer(limited());
        refused(() -> producer.send(Kit.message(DENIED, "m")));
    }

    public static void guarded_read_only_topic() throws Exception {
        RPCHook hook = limited();
        DefaultMQProducer producer = producer(hook);
        refused(() -> producer.send(Kit.message(READ_ONLY, "m")));
        DefaultMQPullConsumer consumer = Kit.puller(GROUP, hook);
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(READ_ONLY).iterator().next();
        Kit.equal(consumer.pull(queue, "*", 0, 32).getPullStatus(), PullStatus.FOUND, "reading it");
        MessageQueue denied = consumer.fetchSubscribeMessageQueues(DENIED).iterator().next();
        refused(() -> consumer.pull(denied, "*", 0, 32));
    }

    public static void guarded_other_group() throws Exception {
        DefaultMQPullConsumer consumer = Kit.puller(Kit.name("other-group"), limited());
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(ALLOWED).iterator().next();
        refused(() -> consumer.pull(queue, "*", 0, 32));
    }

    public static void guarded_wrong_secret() throws Exception {
        limited();
        DefaultMQProducer producer = producer(Kit.hook(USER, "another-secret"));
        refused(() -> producer.send(Kit.message(ALLOWED, "m")));
    }

    public static void guarded_unknown_user() throws Exception {
        limited();
        DefaultMQProducer producer = producer(Kit.hook("nobody-known", SECRET));
        refused(() -> producer.send(Kit.message(ALLOWED, "m")));
    }

    public static void guarded_unsigned() throws Exception {
        limited();
        DefaultMQProducer producer = producer(null);
        refused(() -> producer.send(Kit.message(ALLOWED, "m")));
    }

    public static void guarded_administration() throws Exception {
        DefaultMQAdminExt tool = Kit.admin(limited());
        refused(() -> tool.createAndUpdateTopicConfig(Kit.broker, new TopicConfig(Kit.name("topic"), 1, 1, 6)));
        Kit.admin.createAndUpdateTopicConfig(Kit.broker, new TopicConfig(Kit.name("topic"), 1, 1, 6));
    }
}
