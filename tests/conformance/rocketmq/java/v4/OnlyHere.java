import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;

/** What only this line of the client does. */
final class OnlyHere {
    private OnlyHere() {}

    /** With vipChannelEnabled it sends to the port two below the broker's. */
    public static void send_by_vip_port() throws Exception {
        String topic = Kit.topic(1);
        DefaultMQProducer producer = new DefaultMQProducer(Kit.name("producer"), Kit.hook());
        producer.setVipChannelEnabled(true);
        Kit.start(producer);
        SendResult sent = producer.send(Kit.message(topic, "m"));
        Kit.equal(sent.getQueueOffset(), 0L, "offset");
    }
}
