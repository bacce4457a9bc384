import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** Runs mqadmin's commands, one of each line (arguments parted by tabs), in one JVM. After each, what it printed and a line "end MS". */
public final class Mqadmin {
    private Mqadmin() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream both = new PrintStream(printed, true);
            System.setOut(both);
            System.setErr(both);
            long began = System.nanoTime();
            MQAdminStartup.main0(line.split("\t"), null);
            both.flush();
            out.write(printed.toByteArray());
            out.println("\nend " + (System.nanoTime() - began) / 1_000_000);
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
