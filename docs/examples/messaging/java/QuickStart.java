import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** java QuickStart [NAMESERVER]: sends two messages, one of them in a transaction, and consumes both. */
public final class QuickStart {
    public static void main(String[] arguments) throws Exception {
        String nameServer = arguments.length > 0 ? arguments[0] : "127.0.0.1:9876";

        DefaultMQProducer producer = new DefaultMQProducer("orders-producer");
        producer.setNamesrvAddr(nameServer);
        producer.start();
        Message message = new Message("orders-java", "paid", "order-1", "hello".getBytes(StandardCharsets.UTF_8));
        SendResult sent = producer.send(message);
        System.out.println("sent: " + sent.getSendStatus());

        // The message is seen once the local transaction has committed. Where that is not known, checkLocalTransaction is asked, of any
        // producer of the group: it looks into the database.
        TransactionMQProducer transactions = new TransactionMQProducer("orders-transactions");
        transactions.setNamesrvAddr(nameServer);
        transactions.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message half, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt half) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        transactions.start();
        transactions.sendMessageInTransaction(new Message("orders-java", "paid", "in a transaction".getBytes(StandardCharsets.UTF_8)), null);

        CountDownLatch received = new CountDownLatch(2);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("orders-consumer");
        consumer.setNamesrvAddr(nameServer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe("orders-java", "paid || refunded");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt each : messages) {
                System.out.println("received: " + new String(each.getBody(), StandardCharsets.UTF_8));
                received.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        boolean all = received.await(60, TimeUnit.SECONDS);
        consumer.shutdown();
        transactions.shutdown();
        producer.shutdown();
        System.exit(all ? 0 : 1);
    }
}
