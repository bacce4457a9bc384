// Jedis counts in a cluster until its input ends, then reads all counts: one line of JSON. usage: ClusterClient PORT
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisCluster;

public class ClusterClient {
  static volatile boolean over = false;

  public static void main(String[] arguments) throws Exception {
    int threads = 4, keys = 10;
    AtomicLong counted = new AtomicLong();
    AtomicReference<Throwable> failed = new AtomicReference<>();
    try (JedisCluster cluster = new JedisCluster(new HostAndPort("127.0.0.1", Integer.parseInt(arguments[0])))) {
      Thread[] all = new Thread[threads];
      for (int n = 0; n < threads; ++n) {
        int number = n;
        all[n] = new Thread(() -> {
          try {
            Map<String, Long> acknowledged = new HashMap<>();
            for (int i = 0; !over; ++i) {
              String key = "java:" + number + ":" + i % keys;
              long value = cluster.incr(key);
              counted.incrementAndGet();
              if (value != acknowledged.merge(key, 1L, Long::sum)) throw new IllegalStateException("INCR " + key + " gave " + value);
            }
            for (Map.Entry<String, Long> each : acknowledged.entrySet()) {
              String value = cluster.get(each.getKey());
              if (!each.getValue().toString().equals(value)) throw new IllegalStateException("GET " + each.getKey() + " gave " + value);
            }
          } catch (Throwable e) {
            failed.set(e);
          }
        });
        all[n].start();
      }
      while (System.in.read() >= 0) {
      }
      over = true;
      for (Thread each : all) each.join();
    }
    if (failed.get() != null) {
      failed.get().printStackTrace();
      System.exit(1);
    }
    System.out.println("{\"counted\": " + counted.get() + "}");
  }
}
