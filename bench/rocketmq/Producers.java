import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Threads that share one producer, as RocketMQ's own benchmark has it, each sending and waiting: what users of the real client get.
 * Prints "measuring" when the warm-up is over, and then one JSON object about the seconds after it.
 */
public class Producers {
    private static volatile boolean measuring, running = true;
    private static final AtomicLong sent = new AtomicLong();
    private static final AtomicLong failed = new AtomicLong();
    private static final AtomicReference<String> lastFailure = new AtomicReference<>("");

    private static class Sender extends Thread {
        private final DefaultMQProducer producer;
        private final Message message;
        private long[] nanoseconds = new long[1 << 16];
        private int count;

        Sender(DefaultMQProducer producer, String topic, byte[] body) {
            this.producer = producer;
            this.message = new Message(topic, body);
        }

        @Override public void run() {
            while (running) {
                boolean counts = measuring;
                long before = System.nanoTime();
                try {
                    // The client writes its id into the message: a new one each time.
                    Message own = new Message(message.getTopic(), message.getBody());
                    SendStatus status = producer.send(own).getSendStatus();
                    if (status != SendStatus.SEND_OK) throw new IllegalStateException(status.toString());
                } catch (Exception failure) {
                    // What began in the warm-up may have waited for the client to load its classes.
                    if (counts) failed.incrementAndGet();
                    lastFailure.set(String.valueOf(failure.getMessage()));
                    continue;
                }
                sent.incrementAndGet();
                // What ends after the measuring does not belong to it.
                if (!counts || !running) continue;
                if (count == nanoseconds.length) nanoseconds = Arrays.copyOf(nanoseconds, 2 * count);
                nanoseconds[count++] = System.nanoTime() - before;
            }
        }
    }

    private static double at(long[] sorted, double fraction) {
        if (sorted.length == 0) return 0;
        int index = (int) Math.ceil(fraction * sorted.length) - 1;
        return sorted[Math.max(0, Math.min(sorted.length - 1, index))] / 1e3;
    }

    /** NAMESRV TOPIC THREADS BODY_OCTETS WARM_UP_SECONDS SECONDS */
    public static void main(String[] args) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("bench-java");
        producer.setNamesrvAddr(args[0]);
        producer.start();
        byte[] body = new byte[Integer.parseInt(args[3])];
        Arrays.fill(body, (byte) 'x');
        List<Sender> senders = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(args[2]); i++) senders.add(new Sender(producer, args[1], body));
        for (Sender sender : senders) sender.start();
        // The client has loaded its classes, and found topic and broker, when each thread has sent something.
        for (int tenths = 0; sent.get() < senders.size(); tenths++) {
            if (tenths == 600) {
                System.err.println("not every thread has sent a message within a minute: " + lastFailure.get());
                System.exit(1);  // the client's own threads would live on
            }
            Thread.sleep(100);
        }
        Thread.sleep((long) (Double.parseDouble(args[4]) * 1000));
        System.out.println("measuring");
        System.out.flush();
        long began = System.nanoTime();
        measuring = true;
        Thread.sleep((long) (Double.parseDouble(args[5]) * 1000));
        running = false;
        double seconds = (System.nanoTime() - began) / 1e9;
        for (Sender sender : senders) sender.join();
        long failures = failed.get();
        long[] all = senders.stream().flatMapToLong(sender -> Arrays.stream(sender.nanoseconds, 0, sender.count)).sorted().toArray();
        String words = lastFailure.get().replace('\\', '/').replace('"', '\'').replaceAll("\\p{Cntrl}", " ");
        System.out.printf(Locale.ROOT, "{\"seconds\": %.3f, \"messages\": %d, \"messages_per_second\": %.1f, ", seconds, all.length,
            all.length / seconds);
        System.out.printf(Locale.ROOT, "\"failed\": %d, \"last_failure\": \"%s\", ", failures, words);
        System.out.printf(Locale.ROOT, "\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}}%n",
            at(all, 0.5), at(all, 0.99), at(all, 0.999), at(all, 1));
        producer.shutdown();
    }
}
