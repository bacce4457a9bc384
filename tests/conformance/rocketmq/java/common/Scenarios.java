import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/**
 * Scenarios [PATTERN]...: runs every scenario whose name matches one of the patterns (* and ?), several at a time, each with topics and groups
 * of its own.
 * A scenario is a public static method of one of the classes below. Of each, one line: "ok NAME MS" or "FAILED NAME MS: why".
 * Exits with 1 when one failed. -Dchorus.namesrv=HOST:PORT says where; -Dchorus.sets=SENDING,... takes other classes than the usual ones.
 */
public final class Scenarios {
    private static final String USUAL = "Sending,Consuming,Ordering,Delaying,Transactions,Pulling,Querying,Managing,OnlyHere,Popping";
    private static final int AT_A_TIME = Integer.getInteger("chorus.parallel", 10);
    private static final int SECONDS_EACH = 120;

    private Scenarios() {}

    public static void main(String[] arguments) throws Exception {
        Pattern wanted = Pattern.compile((arguments.length > 0 ? String.join("|", arguments) : "*").replace("?", ".").replace("*", ".*"));
        List<Method> scenarios = new ArrayList<>();
        for (String name : System.getProperty("chorus.sets", USUAL).split(",")) {
            for (Method method : Class.forName(name).getDeclaredMethods()) {
                boolean one = java.lang.reflect.Modifier.isPublic(method.getModifiers()) && method.getParameterCount() == 0;
                if (one && wanted.matcher(method.getName()).matches()) {
                    scenarios.add(method);
                }
            }
        }
        // Those that wait longest begin first; the others by name, so that two runs are alike.
        scenarios.sort((a, b) -> a.isAnnotationPresent(Slow.class) != b.isAnnotationPresent(Slow.class)
                ? (a.isAnnotationPresent(Slow.class) ? -1 : 1) : a.getName().compareTo(b.getName()));
        java.io.PrintStream out = System.out;
        System.setOut(System.err);  // some clients print
        Kit.open();

        AtomicInteger failed = new AtomicInteger();
        Map<Thread, String> running = new ConcurrentHashMap<>();
        ExecutorService pool = Executors.newFixedThreadPool(AT_A_TIME);
        for (Method scenario : scenarios) {
            pool.execute(() -> {
                long began = System.nanoTime();
                Thread self = Thread.currentThread();
                running.put(self, scenario.getName());
                String why = null;
                java.util.Timer guard = new java.util.Timer(true);
                guard.schedule(new java.util.TimerTask() {
                    @Override
                    public void run() {
                        self.interrupt();
                    }
                }, SECONDS_EACH * 1000L);
                try {
                    scenario.invoke(null);
                } catch (InvocationTargetException e) {
                    why = words(e.getCause());
                } catch (Throwable e) {
                    why = words(e);
                } finally {
                    guard.cancel();
                    Thread.interrupted();
                }
                long ms = (System.nanoTime() - began) / 1_000_000;
                Kit.endAll();
                running.remove(self);
                if (why != null) {
                    failed.incrementAndGet();
                }
                synchronized (out) {
                    out.println(why == null ? "ok " + scenario.getName() + " " + ms : "FAILED " + scenario.getName() + " " + ms + ": " + why);
                    out.flush();
                }
            });
        }
        pool.shutdown();
        if (!pool.awaitTermination(15, TimeUnit.MINUTES)) {
            out.println("FAILED program_ends 0: still running: " + running.values());
            out.flush();
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(failed.get() > 0 ? 1 : 0);  // clients leave threads behind
    }

    private static String words(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = error; cause != null && text.length() < 600; cause = cause.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(cause instanceof Kit.Failure ? cause.getMessage() : String.valueOf(cause));
            if (cause.getCause() == null && !(cause instanceof Kit.Failure)) {
                for (StackTraceElement place : cause.getStackTrace()) {
                    if (place.getModuleName() == null && !place.getClassName().contains(".")) {
                        text.append(" at ").append(place);
                        break;
                    }
                }
            }
        }
        return text.toString().replace("\n", " | ").replace("\r", "");
    }

    @java.lang.annotation.Retention(java.lang.annotation.RetentionPolicy.RUNTIME)
    @interface Slow {}
}
