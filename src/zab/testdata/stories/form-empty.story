# Three empty members begin an ensemble; the one with the highest number leads. The third comes when the others are at work.
ensemble voters=3
disk 1 empty
disk 2 empty
disk 3 empty
start 2 3
run 1s
----
2: looking
3: looking
2: following 3
2>3 FOLLOWERINFO 0x0
3: leading
3: durable accepted epoch 1
3>2 LEADERINFO 0x100000000
2: durable accepted epoch 1
2>3 ACKEPOCH 0x0
3: durable epoch 1
3>2 DIFF 0x0
3>2 NEWLEADER 0x100000000
2: durable epoch 1
2>3 ACK 0x100000000
3: serves epoch 1 from 0x100000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 1 from 0x0
2>3 ACK 0x100000000

propose 3 a b
run
----
3>2 PROPOSAL 0x100000001
3: durable 0x100000001
3: durable 0x100000002
3>2 PROPOSAL 0x100000002
2: durable 0x100000001
2: durable 0x100000002
2>3 ACK 0x100000001
3: commit 0x100000001
2>3 ACK 0x100000002
3: commit 0x100000002
3>2 COMMIT 0x100000001
2: commit 0x100000001
3>2 COMMIT 0x100000002
2: commit 0x100000002

start 1
run 1s
show 1 2 3
----
1: looking
1: following 3
1>3 FOLLOWERINFO 0x0
3>1 LEADERINFO 0x100000000
1: durable accepted epoch 1
1>3 ACKEPOCH 0x0
3>1 SNAP 0x100000002
3>1 snapshot of 2 transactions
3>1 NEWLEADER 0x100000000
1: durable snapshot 0x100000002
1: durable epoch 1
1>3 ACK 0x100000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 1 from 0x100000002
1>3 ACK 0x100000000
1: accepted 1 epoch 1 snapshot 0x100000002 of 2 log [0x100000001/a 0x100000002/b] tree of 2
2: accepted 1 epoch 1 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
3: accepted 1 epoch 1 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
