import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageQueue;

/** What tools do: topics, groups, offsets, and questions that a broker passes on to consumers. */
final class Managing {
    private Managing() {}

    public static void topic_update_and_delete() throws Exception {
        String topic = Kit.topic(2);
        Kit.createTopic(new TopicConfig(topic, 5, 3, 6));
        Kit.await(() -> Kit.admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getReadQueueNums() == 5, "the new number of queues", 20);
        Kit.equal(Kit.admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getWriteQueueNums(), 3, "queues to write");
        Kit.check(Kit.admin.fetchAllTopicList().getTopicList().contains(topic), "it is in the list");
        Kit.admin.deleteTopicInBroker(Set.of(Kit.broker), topic);
        Compat.deleteTopicInNameServer(topic);
        MQClientException gone = Kit.raises(MQClientException.class, () -> Kit.admin.examineTopicRouteInfo(topic));
        Kit.equal(gone.getResponseCode(), 17, "code");
        Kit.check(!Kit.admin.fetchAllTopicList().getTopicList().contains(topic), "it is no more in the list");
    }

    public static void topic_is_empty_when_made_again() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.send(producer, topic, "old", 5);
        Kit.admin.deleteTopicInBroker(Set.of(Kit.broker), topic);
        Compat.deleteTopicInNameServer(topic);
        Kit.createTopic(new TopicConfig(topic, 1, 1, 6));
        Kit.equal(producer.send(Kit.message(topic, "new"), new MessageQueue(topic, Kit.brokerName, 0)).getQueueOffset(), 0L, "offset");
        Sending.all(topic, 0, 1);
    }

    public static void group_create_and_delete() throws Exception {
        String group = Kit.name("group");
        Compat.createGroup(group, 3, true);
        Compat.GroupFacts facts = Compat.group(group);
        Kit.equal(facts.name + facts.retryMaxTimes + facts.consumeEnable, group + 3 + true, "what is stored");
        Kit.admin.deleteSubscriptionGroup(Kit.broker, group, true);
        Compat.GroupFacts left = Compat.group(group);  // a broker that creates groups by itself may have made it anew, with defaults
        Kit.check(left == null || left.retryMaxTimes == 16, "what was stored is gone");
    }

    /** A group that may not consume gets nothing until it may. */
    @Scenarios.Slow
    public static void group_disabled() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(1);
        Compat.createGroup(group, 16, false);
        Kit.send(Kit.producer(), topic, "m", 3);
        Kit.Inbox inbox = new Kit.Inbox();
        Kit.consume(group, topic, "*", inbox);
        Kit.Inbox other = Kit.consume(topic, "*");
        other.awaitCount(3, "another group");
        Kit.equal(inbox.messages.size(), 0, "messages while it is disabled");
        Compat.createGroup(group, 16, true);
        inbox.awaitCount(3, "once it is enabled");
    }

    public static void connections() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        producer.send(Kit.message(topic, "m"));
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "TagA", new Kit.Inbox());
        Kit.await(() -> Compat.consumers(group).size() == 1, "the consumer's connection", 30);
        Kit.equal(Compat.consumers(group), Set.of(Compat.clientId(consumer)), "clients");
        Kit.equal(Compat.subscriptions(group).get(topic), "TagA", "subscription");
        Kit.equal(Compat.subscriptions(group).keySet(), Set.of(topic, "%RETRY%" + group), "topics");
        Kit.await(() -> Kit.admin.examineProducerConnectionInfo(producer.getProducerGroup(), topic).getConnectionSet().size() == 1,
                "the producer's connection", 40);
    }

    public static void consumer_goes_offline() throws Exception {
        String group = Kit.name("group");
        DefaultMQPushConsumer consumer = Kit.consume(group, Kit.topic(1), "*", new Kit.Inbox());
        Kit.await(() -> Compat.consumers(group).size() == 1, "the consumer's connection", 30);
        consumer.shutdown();
        MQBrokerException gone = Kit.raises(MQBrokerException.class, () -> Compat.consumers(group));
        Kit.equal(gone.getResponseCode(), 206, "code");
    }

    public static void consume_stats() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", inbox);
        Kit.send(producer, topic, "m", 20);
        inbox.awaitCount(20, "messages");
        Kit.awaitSettled(group, topic);
        consumer.shutdown();
        Kit.send(producer, topic, "n", 7);
        Kit.await(() -> Compat.lag(group, topic) == 7, "lag of 7", 20);
        Kit.equal(Compat.maxOffsets(topic), 27L, "sum of max offsets in the topic's state");
        Kit.check(Compat.groupsOf(topic).contains(group), "who consumes the topic");
    }

    public static void reset_offset_online() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(2);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox inbox = new Kit.Inbox();
        Kit.consume(group, topic, "*", inbox);
        Kit.send(producer, topic, "m", 10);
        inbox.awaitCount(10, "the first time");
        Kit.awaitSettled(group, topic);
        Map<MessageQueue, Long> reset = Kit.admin.resetOffsetByTimestamp(topic, group, 0, true);
        Kit.equal(reset.size(), 2, "queues");
        Kit.check(reset.values().stream().allMatch(offset -> offset == 0), "to their start: " + reset);
        Kit.await(() -> inbox.messages.size() >= 20, "each a second time (there are {})", 60, inbox.messages::size);
        Kit.equal(inbox.distinct().size(), 10, "different messages");
    }

    public static void reset_offset_offline() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox first = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", first);
        Kit.send(producer, topic, "m", 10);
        first.awaitCount(10, "the first time");
        consumer.shutdown();
        Compat.resetOffline(group, topic, 0);
        Kit.Inbox second = new Kit.Inbox();
        Kit.consume(group, topic, "*", second);
        second.awaitCount(10, "the second time");
    }

    public static void clone_offsets() throws Exception {
        String from = Kit.name("group");
        String to = Kit.name("group");
        String topic = Kit.topic(1);
        DefaultMQProducer producer = Kit.producer();
        Kit.Inbox first = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(from, topic, "*", first);
        Kit.send(producer, topic, "old", 5);
        first.awaitCount(5, "messages");
        Kit.awaitSettled(from, topic);
        consumer.shutdown();
        Compat.createGroup(to, 16, true);
        Kit.admin.cloneGroupOffset(from, to, topic, true);
        Kit.send(producer, topic, "new", 5);
        Kit.Inbox second = new Kit.Inbox();
        Kit.consume(to, topic, "*", second);
        second.awaitCount(5, "messages");
        Kit.check(second.bodies().stream().allMatch(body -> body.startsWith("new")), "only the new ones");
    }

    /** The broker passes the question on to the consumer, and its answer back. */
    public static void consumer_running_info() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(2);
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", new Kit.Inbox());
        Kit.await(() -> Compat.runningQueues(group, Compat.clientId(consumer), topic) == 2, "the consumer tells of its two queues", 40);
    }

    public static void consume_directly() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(1);
        AtomicInteger times = new AtomicInteger();
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", (messages, context) -> {
            times.addAndGet(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        SendResult sent = Kit.producer().send(Kit.message(topic, "m"));
        Kit.await(() -> times.get() == 1, "consumed once", 30);
        Kit.equal(Compat.consumeDirectly(group, Compat.clientId(consumer), topic, sent.getOffsetMsgId()), "CR_SUCCESS", "result");
        Kit.equal(times.get(), 2, "times consumed");
    }

    public static void consumer_status() throws Exception {
        String group = Kit.name("group");
        String topic = Kit.topic(1);
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(group, topic, "*", inbox);
        Kit.send(Kit.producer(), topic, "m", 4);
        inbox.awaitCount(4, "messages");
        Kit.await(() -> Kit.admin.getConsumeStatus(topic, group, "").get(Compat.clientId(consumer))
                .get(new MessageQueue(topic, Kit.brokerName, 0)) == 4L, "the offset that the consumer has", 30);
    }

    public static void broker_configuration() throws Exception {
        Properties settings = Kit.admin.getBrokerConfig(Kit.broker);
        Kit.equal(settings.getProperty("brokerName"), Kit.brokerName, "brokerName");
        Kit.equal(settings.getProperty("brokerClusterName"), Kit.CLUSTER, "brokerClusterName");
        Kit.equal(settings.getProperty("autoCreateTopicEnable"), "true", "autoCreateTopicEnable");
        Properties change = new Properties();
        change.setProperty("transactionCheckMax", "14");
        Kit.admin.updateBrokerConfig(Kit.broker, change);
        Kit.equal(Kit.admin.getBrokerConfig(Kit.broker).getProperty("transactionCheckMax"), "14", "after the change");
        Map<String, String> state = Kit.admin.fetchBrokerRuntimeStats(Kit.broker).getTable();
        Kit.check(state.get("brokerVersionDesc").startsWith("V"), "brokerVersionDesc " + state.get("brokerVersionDesc"));
        Set<String> missing = new HashSet<>(List.of("msgPutTotalTodayNow", "msgGetTotalTodayNow", "commitLogMaxOffset", "bootTimestamp",
                "sendThreadPoolQueueSize", "pullThreadPoolQueueSize", "pageCacheLockTimeMills", "runtime", "putTps"));
        missing.removeAll(state.keySet());
        Kit.equal(missing, Set.of(), "missing in the broker's state");
    }

    public static void name_server_settings() throws Exception {
        String key = Kit.name("key");
        Kit.admin.createAndUpdateKvConfig("chorus-tests", key, "value");
        Kit.equal(Kit.admin.getKVConfig("chorus-tests", key), "value", "value");
        Kit.equal(Kit.admin.getKVListByNamespace("chorus-tests").getTable().get(key), "value", "in the list");
        Kit.admin.deleteKvConfig("chorus-tests", key);
        MQClientException gone = Kit.raises(MQClientException.class, () -> Kit.admin.getKVConfig("chorus-tests", key));
        Kit.equal(gone.getResponseCode(), 22, "code");
        String topic = Kit.topic(1);
        Kit.admin.createOrUpdateOrderConf(topic, Kit.brokerName + ":1", true);
        Kit.await(() -> (Kit.brokerName + ":1").equals(Kit.admin.examineTopicRouteInfo(topic).getOrderTopicConf()), "orderTopicConf in the route", 10);
    }
}
