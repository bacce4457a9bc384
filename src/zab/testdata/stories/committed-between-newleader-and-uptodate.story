# What is proposed between NEWLEADER and UPTODATE is logged at once, and acknowledged only after UPTODATE was: the leader takes the first
# acknowledgement for that of NEWLEADER. Its commit comes right behind UPTODATE.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 2 3
run 1s
hold 1>3 ACK
hold 3>1 UPTODATE
start 1
run 1s
propose 3 b
run
----
2: looking
3: looking
2: following 3
2>3 FOLLOWERINFO 0x100000000
3: leading
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
2: durable accepted epoch 2
2>3 ACKEPOCH 0x100000001
3: durable epoch 2
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x200000000
2: durable epoch 2
2>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 2 from 0x100000001
2>3 ACK 0x200000000
1: looking
1: following 3
1>3 FOLLOWERINFO 0x100000000
3>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>3 ACKEPOCH 0x100000001
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x200000000
1: durable epoch 2
3>2 PROPOSAL 0x200000001
3>1 PROPOSAL 0x200000001
3: durable 0x200000001
2: durable 0x200000001
1: durable 0x200000001
2>3 ACK 0x200000001
3: commit 0x200000001
3>2 COMMIT 0x200000001
2: commit 0x200000001

# NEWLEADER's acknowledgement reaches the leader, which says UPTODATE: what was held before it comes behind.
release 1>3
run
----
1>3 ACK 0x200000000

release 3>1
run
show 1
----
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000001
3>1 COMMIT 0x200000001
1: commit 0x200000001
1>3 ACK 0x200000000
1>3 ACK 0x200000001
1: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b] tree of 2
