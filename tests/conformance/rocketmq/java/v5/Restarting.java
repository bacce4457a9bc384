import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AckStatus;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.consumer.PopStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;

/** What was popped, over an end of the broker. These run one after the other, and ask who started the broker to end it and start it again. */
final class Restarting {
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));
    private static final long INVISIBLE_MS = 20000;

    private Restarting() {}

    private static void restart(String how) throws Exception {
        OUT.println("restart " + how);
        Kit.equal(IN.readLine(), "done", "answer of who restarts the broker");
        Kit.await(() -> Kit.admin.fetchBrokerRuntimeStats(Kit.broker) != null, "the broker again", 30);
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(Kit::text).sorted().collect(Collectors.toList());
    }

    private static long due(String receipt) {
        String[] words = ExtraInfoUtil.split(receipt);
        return ExtraInfoUtil.getPopTime(words) + ExtraInfoUtil.getInvisibleTime(words);
    }

    private static void acknowledgements(String how) throws Exception {
        Popping.Popper popper = new Popping.Popper(Kit.topic(2));
        Kit.send(Kit.producer(), popper.topic, "m", 8);
        List<MessageExt> all = popper.popAll(8, INVISIBLE_MS);
        for (MessageExt message : all.subList(0, 3)) {
            Kit.equal(popper.ack(message).getStatus(), AckStatus.OK, "acknowledgement");
        }
        List<String> receipts = all.subList(3, 6).stream().map(message -> message.getProperty("POP_CK")).collect(Collectors.toList());
        Kit.equal(popper.api.batchAckMessageAsync(Kit.broker, popper.topic, popper.group, receipts, 5000).get(10, TimeUnit.SECONDS).getStatus(),
                AckStatus.OK, "acknowledgement of three");
        MessageExt left = all.get(6);
        MessageExt changed = all.get(7);
        long leftDue = due(left.getProperty("POP_CK"));
        long changedDue = due(popper.change(changed, INVISIBLE_MS + 5000));

        restart(how);
        Kit.check(System.currentTimeMillis() < leftDue - 3000, "a restart in good time");
        popper.expectNothing("six are acknowledged, and two invisible");

        Map<String, Long> arrived = new HashMap<>();
        Kit.await(() -> {
            PopResult result = popper.pop(32, 60000);
            if (result.getPopStatus() == PopStatus.FOUND) {
                for (MessageExt message : result.getMsgFoundList()) {
                    Kit.check(arrived.put(Kit.text(message), System.currentTimeMillis()) == null, Kit.text(message) + " comes once");
                    Kit.equal(message.getReconsumeTimes(), 1, "reconsume times");
                    Kit.equal(popper.ack(message).getStatus(), AckStatus.OK, "acknowledgement");
                }
            }
            return arrived.size() >= 2;
        }, "the two that were not acknowledged", 60);
        Kit.equal(arrived.keySet(), Set.of(Kit.text(left), Kit.text(changed)), "what was not acknowledged");
        Kit.check(arrived.get(Kit.text(left)) >= leftDue, "not before its time is over");
        Kit.check(arrived.get(Kit.text(changed)) >= changedDue, "not before its changed time is over");

        restart(how);
        popper.expectNothing("all is acknowledged");
    }

    private static void order(String how) throws Exception {
        Popping.Popper popper = new Popping.Popper(Kit.topic(1));
        popper.order = true;
        Kit.send(Kit.producer(), popper.topic, "m", 3);
        List<MessageExt> all = popper.popAll(3, INVISIBLE_MS);
        Kit.equal(popper.ack(all.get(0)).getStatus(), AckStatus.OK, "acknowledgement");
        Kit.equal(popper.ack(all.get(2)).getStatus(), AckStatus.OK, "acknowledgement ahead");
        long due = due(all.get(1).getProperty("POP_CK"));

        restart(how);
        Kit.check(System.currentTimeMillis() < due - 3000, "a restart in good time");
        popper.expectNothing("the queue is held");
        List<MessageExt> again = popper.popAll(1, 60000);
        Kit.check(System.currentTimeMillis() >= due, "not before its time is over");
        Kit.equal(bodies(again), List.of(Kit.text(all.get(1))), "what was not acknowledged");
        Kit.equal(again.get(0).getReconsumeTimes(), 1, "reconsume times");
        Kit.equal(popper.ack(again.get(0)).getStatus(), AckStatus.OK, "acknowledgement");

        restart(how);
        popper.expectNothing("all is acknowledged");
    }

    public static void pop_acknowledgements_over_a_kill() throws Exception {
        acknowledgements("kill");
    }

    public static void pop_acknowledgements_over_an_end_in_order() throws Exception {
        acknowledgements("stop");
    }

    public static void pop_in_order_over_a_kill() throws Exception {
        order("kill");
    }

    public static void pop_in_order_over_an_end_in_order() throws Exception {
        order("stop");
    }
}
