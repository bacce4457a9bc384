import java.util.List;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.AclConfig;
import org.apache.rocketmq.common.PlainAccessConfig;
import org.apache.rocketmq.common.TopicConfig;

/** Accounts of access control as an administrator of this line changes them. A broker may take a change in a moment later. */
final class Accounts {
    private Accounts() {}

    private static PlainAccessConfig account(String key, List<String> topicPerms) {
        PlainAccessConfig account = new PlainAccessConfig();
        account.setAccessKey(key);
        account.setSecretKey(key + "-secret");
        account.setDefaultTopicPerm("DENY");
        account.setDefaultGroupPerm("DENY");
        account.setTopicPerms(topicPerms);
        return account;
    }

    private static boolean maySend(DefaultMQProducer producer, String topic) throws Exception {
        try {
            return producer.send(Kit.message(topic, "m")).getSendStatus() == SendStatus.SEND_OK;
        } catch (MQBrokerException | MQClientException refused) {
            return false;
        }
    }

    public static void account_made_changed_and_deleted() throws Exception {
        String key = Kit.name("account");
        String topic = Kit.name("topic");
        Kit.createTopic(new TopicConfig(topic, 1, 1, 6));
        DefaultMQProducer producer = new DefaultMQProducer(Kit.name("producer"), Kit.hook(key, key + "-secret"));
        Kit.start(producer);
        producer.setRetryTimesWhenSendFailed(0);
        Kit.check(!maySend(producer, topic), "before there is such an account");
        Kit.admin.createAndUpdatePlainAccessConfig(Kit.broker, account(key, List.of(topic + "=PUB")));
        Kit.await(() -> maySend(producer, topic), "it may send", 20);
        AclConfig all = Kit.admin.examineBrokerClusterAclConfig(Kit.broker);
        Kit.check(all.getPlainAccessConfigs().stream().anyMatch(one -> one.getAccessKey().equals(key)
                && one.getTopicPerms().equals(List.of(topic + "=PUB"))), "it is in the list");
        Kit.admin.createAndUpdatePlainAccessConfig(Kit.broker, account(key, List.of(topic + "=SUB")));
        Kit.await(() -> !maySend(producer, topic), "it may send no more", 20);
        Kit.admin.deletePlainAccessConfig(Kit.broker, key);
        Kit.await(() -> Kit.admin.examineBrokerClusterAclConfig(Kit.broker).getPlainAccessConfigs().stream()
                .noneMatch(one -> one.getAccessKey().equals(key)), "it is gone", 20);
        MQClientException again = Kit.raises(MQClientException.class, () -> Kit.admin.deletePlainAccessConfig(Kit.broker, key));
        Kit.equal(again.getResponseCode(), 210, "code for one that is not there");
    }

    public static void account_that_cannot_be() throws Exception {
        PlainAccessConfig wrong = account(Kit.name("account"), List.of("topic=READ"));
        MQClientException refused = Kit.raises(MQClientException.class, () -> Kit.admin.createAndUpdatePlainAccessConfig(Kit.broker, wrong));
        Kit.equal(refused.getResponseCode(), 209, "code");
    }

    public static void account_version() throws Exception {
        Kit.check(Kit.admin.examineBrokerClusterAclVersionInfo(Kit.broker).getAclConfigDataVersion().getCounter().get() >= 0, "a version");
        Kit.equal(Kit.admin.examineBrokerClusterAclVersionInfo(Kit.broker).getBrokerName(), Kit.brokerName, "of which broker");
    }
}
