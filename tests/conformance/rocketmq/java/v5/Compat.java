import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.body.Connection;
import org.apache.rocketmq.remoting.protocol.body.ConsumerConnection;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

/** The same calls of the two lines of the client, which differ in packages and signatures. */
final class Compat {
    private Compat() {}

    static final class GroupFacts {
        final String name;
        final int retryMaxTimes;
        final boolean consumeEnable;

        GroupFacts(SubscriptionGroupConfig config) {
            name = config.getGroupName();
            retryMaxTimes = config.getRetryMaxTimes();
            consumeEnable = config.isConsumeEnable();
        }
    }

    static void broadcast(DefaultMQPushConsumer consumer) {
        consumer.setMessageModel(MessageModel.BROADCASTING);
    }

    static DefaultMQPushConsumer tracing(String group, String traces) {
        return new DefaultMQPushConsumer(group, Kit.hook(), new AllocateMessageQueueAveragely(), true, traces);
    }

    static MessageExt byOffsetId(DefaultMQProducer producer, String topic, String id) throws Exception {
        return producer.getDefaultMQProducerImpl().getMqClientFactory().getMQAdminImpl().viewMessage(topic, id);
    }

    static void deleteTopicInNameServer(String topic) throws Exception {
        Kit.admin.deleteTopicInNameServer(Set.of(Kit.NAMESRV), Kit.CLUSTER, topic);
    }

    /** What Guarded is about. */
    static void limit() throws Exception {
        String subject = "User:" + Guarded.USER;
        Kit.admin.createUser(Kit.broker, Guarded.USER, Guarded.SECRET, "Normal");
        Kit.equal(Kit.admin.getUser(Kit.broker, Guarded.USER).getUserType(), "Normal", "type of the user");
        Kit.admin.createAcl(Kit.broker, subject, List.of("Topic:" + Guarded.ALLOWED), List.of("Pub", "Sub"), List.of(), "Allow");
        Kit.admin.createAcl(Kit.broker, subject, List.of("Topic:" + Guarded.READ_ONLY), List.of("Sub"), List.of(), "Allow");
        Kit.admin.createAcl(Kit.broker, subject, List.of("Group:" + Guarded.GROUP), List.of("Sub"), List.of(), "Allow");
        Kit.check(Kit.admin.getAcl(Kit.broker, subject).getPolicies().get(0).getEntries().size() == 3, "three entries");
    }

    static void createGroup(String name, int retryMaxTimes, boolean consumeEnable) throws Exception {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(name);
        config.setRetryMaxTimes(retryMaxTimes);
        config.setConsumeEnable(consumeEnable);
        Kit.admin.createAndUpdateSubscriptionGroupConfig(Kit.broker, config);
    }

    /** null when there is none. */
    static GroupFacts group(String name) throws Exception {
        SubscriptionGroupConfig config = Kit.admin.examineSubscriptionGroupConfig(Kit.broker, name);
        return config == null ? null : new GroupFacts(config);
    }

    static String clientId(DefaultMQPushConsumer consumer) {
        return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    }

    static Set<String> consumers(String group) throws Exception {
        Set<String> ids = new HashSet<>();
        for (Connection connection : Kit.admin.examineConsumerConnectionInfo(group).getConnectionSet()) {
            ids.add(connection.getClientId());
        }
        return ids;
    }

    static Map<String, String> subscriptions(String group) throws Exception {
        ConsumerConnection connection = Kit.admin.examineConsumerConnectionInfo(group);
        Map<String, String> result = new HashMap<>();
        connection.getSubscriptionTable().forEach((topic, subscription) -> result.put(topic, subscription.getSubString()));
        return result;
    }

    static long lag(String group, String topic) throws Exception {
        return Kit.admin.examineConsumeStats(group, topic).computeTotalDiff();
    }

    static long maxOffsets(String topic) throws Exception {
        return Kit.admin.examineTopicStats(topic).getOffsetTable().values().stream().mapToLong(offset -> offset.getMaxOffset()).sum();
    }

    static Set<String> groupsOf(String topic) throws Exception {
        return Kit.admin.queryTopicConsumeByWho(topic).getGroupList();
    }

    static long runningQueues(String group, String clientId, String topic) throws Exception {
        return Kit.admin.getConsumerRunningInfo(group, clientId, false).getMqTable().keySet().stream()
                .filter(queue -> queue.getTopic().equals(topic)).count();
    }

    static String consumeDirectly(String group, String clientId, String topic, String id) throws Exception {
        return Kit.admin.consumeMessageDirectly(group, clientId, topic, id).getConsumeResult().name();
    }

    /** Sets the group's offsets while none of its consumers is there. */
    static void resetOffline(String group, String topic, long timestamp) throws Exception {
        Kit.admin.resetOffsetByTimestampOld(group, topic, timestamp, true);
    }
}
