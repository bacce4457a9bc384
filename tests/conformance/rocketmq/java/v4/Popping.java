/** RocketMQ's clients of the 4 line do not pop. */
final class Popping {
    private Popping() {}
}
