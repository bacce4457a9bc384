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

# What Chorus answers otherwise than RocketMQ 5.5.0 did, by patterns of (client, scenario, request code, part), and why. A part is where in
# header or body it is; + and - are what Chorus has more and less.
EMPTY = 'a group that is new to an empty queue: 0 is where its client begins in the end as well, but so it cannot miss what is sent meanwhile'
FROM_WHERE = 'Chorus notes in a copy where the message is that it copies'
KEPT = 'Chorus takes the wish for a delay out of what it delivers; RocketMQ leaves it in, with times of its own'
REPLY = 'RocketMQ keeps a copy of each reply in a topic that nobody reads'
CHECK = 'RocketMQ shows the message as it lies in its topic of half messages, Chorus as it will be'
FLAGS = '5.5 tells flags of topic and group, always 0 here, which no client reads'
BATCH = 'Chorus completes each message of a batch like one that is sent alone, with a key where it has none; RocketMQ does not'
POPPED = 'RocketMQ fills in the fields of what was not popped, with 0'
WORDS = 'other words, the same code'
DIFFERENCES = {
    ('*', '*', '34', 'ext.IS_SUPPORT_HEART_BEAT_V2'): 'Chorus wants whole heartbeats: it has no fingerprints of those before',
    ('*', '*', '309', 'ext -groupSysFlag,topicSysFlag'): FLAGS,
    ('*', '*', '14', 'code 22 -> 0'): EMPTY,
    ('*', '*', '11', 'message.preparedOffset'): FROM_WHERE,
    ('*', 'pop_*', '200050', 'message.preparedOffset'): FROM_WHERE,
    ('*', '*', '11', 'message.properties -DELAY'): KEPT,
    ('*', '*', '11', 'message.properties -TIMER_*'): KEPT,
    ('node', '*', '11', 'message.properties +TAGS*'): 'RocketMQ leaves an empty tag away when it writes the message anew, as after a delay',
    ('*', '*', '11', 'message.properties -*__transactionId__'): 'RocketMQ writes the key of the message into it once more',
    ('*', 'send_batch', '11', 'message.properties +*'): BATCH,
    ('*', '*', '201', 'ext keys'): '5.5 tells how many groups there are, for a tool that reads them in parts',
    ('*', 'request_and_reply', '32[45]', 'ext*'): REPLY,
    ('*', 'request_and_reply', '326', 'ext.properties -MSG_REGION,TRACE_ON'): REPLY,
    ('*', '*', '39', 'message.properties*'): CHECK,
    ('go', 'topic_list', '105', 'code 0 -> 17'): 'the NameServer of RocketMQ hears late of a deleted topic',
    ('nameserver', '*', '106', 'body.*'): 'the broker of the Chorus that is asked is there as well',
    ('nameserver', '*', '103', 'body'): 'an empty table of ordered topics, which RocketMQ leaves away',
    ('java5', 'timer_too_far', '310', 'code 13 -> 0'): 'a timed message may be 40 days away, not 3',
    ('java5', 'recall', '370', 'ext -MSG_REGION'): 'the region is told with each message that is sent',
    ('java5', 'pop_refusals', '200050', 'ext -invisibleTime,popTime,restNum,reviveQid'): POPPED,
    ('java5', 'pop_refusals', '200050', 'remark'): WORDS,
    ('java5', 'pop_refusals', '200051', 'remark'): WORDS,
    ('java5', 'pop_refusals', '200151', 'remark'): WORDS,
    ('java5', 'pop_*', '200050', 'message born at'): 'RocketMQ sends what comes again as a message of its own',
    ('java5', 'pop_*', '200050', 'message.properties -ORIGIN_GROUP'): 'a note of RocketMQ for its own use',
    ('java5', 'push_sql_wrong', '46', 'remark'): 'the words of another parser',
    ('*', '*', '28', 'body.table +brokerVersion,remainHowManyDataToCommit -commitLogDiskRatio_*'): 'a folder; older figures',
    ('mqadmin', '*', '354', 'body*'): 'there is no RocksDB to be looked at',
    ('mqadmin', '*', '5001', 'remark'): WORDS,
    ('mqadmin', '*', '305', 'body.topicList*'): "RocketMQ has system topics for RocksDB and for its file of checkpoints",
    ('mqadmin', '*', '307', 'ext +brokerName'): 'the name of the broker, which 5.5 asks clients for in some cases only',
    ('mqadmin', '*', '907', 'body.haClientRuntimeInfo +activateTime'): 'a time that RocketMQ leaves away where it is 0',
}

# What is one way or the other by chance, likewise.
CHANCE = {
    ('mqadmin', '*', '328', 'body.data.*.remoteIP'): 'RocketMQ writes its addresses with a slash before them',
    ('*', '*', '40', 'asks more'): 'whether the first member of a group is told of itself before it goes',
    ('mqadmin', '*', '317', 'body.total*'): 'sums over all groups, which other scenarios use as well',
    ('mqadmin', '*', '315', 'code 1 -> 0'): 'what nobody has counted yet is 0, not unknown: other scenarios use those topics at the same time',
    ('mqadmin', 'clients', '11', '*'): 'whether a pull that waits is told of a reset before or after the client was',
}
