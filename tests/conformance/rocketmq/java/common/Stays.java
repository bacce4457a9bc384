import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** Stays TOPIC GROUP PRODUCER: a consumer and a producer that are online until the input ends; prints the consumer's id. */
final class Stays {
    private Stays() {}

    public static void main(String[] arguments) throws Exception {
        java.io.PrintStream out = System.out;
        System.setOut(System.err);
        DefaultMQProducer producer = Kit.producer(arguments[2]);
        Kit.Inbox inbox = new Kit.Inbox();
        DefaultMQPushConsumer consumer = Kit.consume(arguments[1], arguments[0], "*", inbox);
        Kit.send(producer, arguments[0], "m", 4);
        inbox.awaitCount(4, "messages");
        out.println(Compat.clientId(consumer));
        out.flush();
        while (System.in.read() >= 0) {
            continue;
        }
        Kit.endAll();
        Runtime.getRuntime().halt(0);
    }
}
