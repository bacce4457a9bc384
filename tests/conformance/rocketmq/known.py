"""Cells that a peer does not pass, and why: (peer, client, scenario), each a pattern."""

KNOWN = {
    ('chorus', '*', 'timer_too_far'): 'a timed message may be 40 days away, not 3',
    ('rocketmq4', '*', 'timer_*'): 'RocketMQ 4 has no timer wheel: delivers at once',
    ('rocketmq4', '*', 'recall'): 'RocketMQ 4 has no recall',
    ('rocketmq4', '*', 'pop_*'): 'RocketMQ 4 has no POP mode',
    ('rocketmq4', '*', 'queues_given_by_broker'): 'RocketMQ 4 has no QUERY_ASSIGNMENT',
    ('rocketmq4', '*', 'topic_attributes'): 'RocketMQ 4 has no topic attributes',
    ('rocketmq4', '*', 'send_keeps_everything'): 'RocketMQ 4 does not write MSG_REGION and TRACE_ON into the message',
    ('rocketmq4', '*', 'transaction_*commit'): "RocketMQ 4's answer to a half message has no transaction id",
    ('rocketmq4', '*', 'offsets_by_time'): 'RocketMQ 4 answers with the last message for a time after it, not with the end',
    ('rocketmq4', 'java5', 'lite_*'): 'RocketMQ 4 does not know LITE_PULL_MESSAGE (361)',
    **{('rocketmq4', 'java5', name): "the tool of 5 asks GET_TOPIC_CONFIG (351), which 4 does not know"
       for name in ('clone_offsets', 'consume_stats', 'offsets_survive_restart', 'push_from_last', 'reset_offset_online')},
}
