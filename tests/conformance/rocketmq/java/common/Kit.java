import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What every scenario needs: names of its own, clients that end with it, and waiting for a condition. */
final class Kit {
    static final String NAMESRV = System.getProperty("chorus.namesrv");
    static final String CLUSTER = System.getProperty("chorus.cluster", "DefaultCluster");
    static String broker;      // address of the one broker, as the NameServer tells it
    static String brokerName;
    static DefaultMQAdminExt admin;

    private static final String RUN = Long.toString(System.currentTimeMillis() % (1L << 31), 36);
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final ThreadLocal<Deque<Runnable>> ENDS = ThreadLocal.withInitial(ArrayDeque::new);

    private Kit() {}

    interface Condition {
        boolean holds() throws Exception;
    }

    interface Action {
        void run() throws Exception;
    }

    static final class Failure extends AssertionError {
        Failure(String words) {
            super(words);
        }
    }

    static void open() throws Exception {
        admin = new DefaultMQAdminExt(hook(), 10000);
        lively(admin);
        admin.start();
        await(() -> {
            Object table = admin.examineBrokerClusterInfo().getBrokerAddrTable();
            return table != null && !((java.util.Map<?, ?>) table).isEmpty();
        }, "a broker at the NameServer", 30);
        admin.examineBrokerClusterInfo().getBrokerAddrTable().forEach((name, data) -> {
            brokerName = name;
            broker = data.getBrokerAddrs().get(0L);
        });
    }

    static DefaultMQAdminExt admin(RPCHook hook) throws Exception {
        DefaultMQAdminExt tool = new DefaultMQAdminExt(hook, 10000);
        lively(tool);
        tool.start();
        atEnd(tool::shutdown);
        return tool;
    }

    /** Signs with the credentials of -Dchorus.access and -Dchorus.secret; null without them. */
    static RPCHook hook() {
        String access = System.getProperty("chorus.access");
        return access == null ? null : hook(access, System.getProperty("chorus.secret"));
    }

    static RPCHook hook(String access, String secret) {
        return new AclClientRPCHook(new SessionCredentials(access, secret));
    }

    static String name(String base) {
        return base + "-" + RUN + "-" + NEXT.incrementAndGet();
    }

    static String topic(int queues) throws Exception {
        return topic(queues, 6);
    }

    /** A new topic whose route clients can already see. */
    static String topic(int queues, int permissions) throws Exception {
        String topic = name("topic");
        createTopic(new TopicConfig(topic, queues, queues, permissions));
        return topic;
    }

    static void createTopic(TopicConfig config) throws Exception {
        admin.createAndUpdateTopicConfig(broker, config);
        await(() -> !admin.examineTopicRouteInfo(config.getTopicName()).getQueueDatas().isEmpty(), "route of " + config.getTopicName(), 20);
    }

    /**
     * Asks NameServer and broker more often than each 30 s. A consumer that begins while a broker is busy can miss its second heartbeat (the
     * broker then refuses its pulls as "subscription not latest") and looks for its retry topic before there is one: both heal at the next turn.
     */
    private static void lively(ClientConfig client) {
        client.setNamesrvAddr(NAMESRV);
        client.setHeartbeatBrokerInterval(2000);
        client.setPollNameServerInterval(2000);
        client.setPersistConsumerOffsetInterval(1000);
    }

    static void atEnd(Runnable end) {
        ENDS.get().push(end);
    }

    static void endAll() {
        Deque<Runnable> ends = ENDS.get();
        while (!ends.isEmpty()) {
            try {
                ends.pop().run();
            } catch (Exception e) {
                System.err.println("while ending: " + e);
            }
        }
    }

    static DefaultMQProducer producer() throws Exception {
        return producer(name("producer"));
    }

    static DefaultMQProducer producer(String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group, hook());
        start(producer);
        return producer;
    }

    static void start(DefaultMQProducer producer) throws Exception {
        lively(producer);
        producer.setSendMsgTimeout(10000);
        producer.start();
        atEnd(producer::shutdown);
    }

    static TransactionMQProducer transactions(String group, TransactionListener listener) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(group, hook());
        producer.setTransactionListener(listener);
        start(producer);
        return producer;
    }

    /** A push consumer that begins at the first message, not started. */
    static DefaultMQPushConsumer consumer(String group) {
        return prepared(new DefaultMQPushConsumer(group, hook(), new AllocateMessageQueueAveragely()));
    }

    static DefaultMQPushConsumer prepared(DefaultMQPushConsumer consumer) {
        lively(consumer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(4);
        atEnd(consumer::shutdown);
        return consumer;
    }

    /** Collects what it is given; every message is taken as consumed. */
    static final class Inbox implements MessageListenerConcurrently {
        final List<MessageExt> messages = new CopyOnWriteArrayList<>();
        final Map<String, Long> arrived = new ConcurrentHashMap<>();  // body: System.currentTimeMillis()

        @Override
        public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> some,
                org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext context) {
            some.forEach(message -> arrived.putIfAbsent(text(message), System.currentTimeMillis()));
            messages.addAll(some);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        }

        MessageExt get(String body) {
            return messages.stream().filter(message -> text(message).equals(body)).findFirst().orElseThrow();
        }

        List<String> bodies() {
            return messages.stream().map(Kit::text).collect(Collectors.toList());
        }

        Set<String> distinct() {
            return messages.stream().map(Kit::text).collect(Collectors.toSet());
        }

        void awaitCount(int count, String what) throws Exception {
            await(() -> distinct().size() >= count, what + ": " + count + " messages (there are {})", 40, () -> distinct().size());
        }
    }

    static DefaultMQPushConsumer consume(String group, String topic, String expression, MessageListenerConcurrently listener) throws Exception {
        DefaultMQPushConsumer consumer = consumer(group);
        consumer.subscribe(topic, expression);
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    static Inbox consume(String topic, String expression) throws Exception {
        Inbox inbox = new Inbox();
        consume(name("group"), topic, expression, inbox);
        return inbox;
    }

    /** Waits until the broker knows that the group has consumed all there is: a consumer tells so from time to time. */
    static void awaitSettled(String group, String topic) throws Exception {
        await(() -> Compat.lag(group, topic) == 0, "no lag of " + group, 40);
    }

    static DefaultMQPullConsumer puller(String group) throws Exception {
        return puller(group, hook());
    }

    static DefaultMQPullConsumer puller(String group, RPCHook hook) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group, hook);
        lively(consumer);
        consumer.start();
        atEnd(consumer::shutdown);
        return consumer;
    }

    static DefaultLitePullConsumer lite(String group) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group, hook());
        lively(consumer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(false);
        atEnd(consumer::shutdown);
        return consumer;
    }

    static Message message(String topic, String body) {
        return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
    }

    static Message message(String topic, String tag, String body) {
        return new Message(topic, tag, body.getBytes(StandardCharsets.UTF_8));
    }

    static List<String> send(DefaultMQProducer producer, String topic, String prefix, int count) throws Exception {
        List<String> bodies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            bodies.add(prefix + i);
            producer.send(message(topic, prefix + i));
        }
        return bodies;
    }

    static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    static void await(Condition condition, String what, int seconds) throws Exception {
        await(condition, what, seconds, () -> "?");
    }

    /** Waits until the condition holds; what it throws counts as "not yet" and is told when the time is over. */
    static void await(Condition condition, String what, int seconds, java.util.function.Supplier<Object> detail) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        Throwable last = null;
        do {
            try {
                if (condition.holds()) {
                    return;
                }
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                last = e;
            }
            Thread.sleep(20);
        } while (System.nanoTime() < end);
        throw new Failure("not within " + seconds + " s: " + what.replace("{}", String.valueOf(detail.get())) + (last == null ? "" : ", last " + last));
    }

    /** The id that says where the message is stored. */
    static String offsetId(MessageExt message) {
        return ((MessageClientExt) message).getOffsetMsgId();
    }

    static void equal(Object actual, Object expected, String what) {
        if (!Objects.equals(actual, expected)) {
            throw new Failure(what + ": got " + actual + ", want " + expected);
        }
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new Failure(what);
        }
    }

    static <E extends Exception> E raises(Class<E> type, Action action) throws Exception {
        try {
            action.run();
        } catch (Exception e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw e;
        }
        throw new Failure("nothing was thrown, want " + type.getSimpleName());
    }
}
