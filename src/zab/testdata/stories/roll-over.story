# The counter of an epoch comes to its end (0xffffffff; here 4): the leader gives up rather than propose past it, and a new epoch begins.
ensemble voters=3 counter-end=4
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 1 2 3
run 1s
propose 3 b c d
run
----
1: looking
2: looking
3: looking
2: following 3
1: following 3
3: leading
2>3 FOLLOWERINFO 0x100000000
1>3 FOLLOWERINFO 0x100000000
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
3>1 LEADERINFO 0x200000000
2: durable accepted epoch 2
1: durable accepted epoch 2
2>3 ACKEPOCH 0x100000001
1>3 ACKEPOCH 0x100000001
3: durable epoch 2
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x200000000
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x200000000
2: durable epoch 2
1: durable epoch 2
2>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
1>3 ACK 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 2 from 0x100000001
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000001
2>3 ACK 0x200000000
1>3 ACK 0x200000000
3>2 PROPOSAL 0x200000001
3>1 PROPOSAL 0x200000001
3: durable 0x200000001
3: durable 0x200000002
3: durable 0x200000003
3>2 PROPOSAL 0x200000002
3>1 PROPOSAL 0x200000002
3>2 PROPOSAL 0x200000003
3>1 PROPOSAL 0x200000003
2: durable 0x200000001
2: durable 0x200000002
2: durable 0x200000003
1: durable 0x200000001
1: durable 0x200000002
1: durable 0x200000003
2>3 ACK 0x200000001
3: commit 0x200000001
2>3 ACK 0x200000002
3: commit 0x200000002
2>3 ACK 0x200000003
3: commit 0x200000003
1>3 ACK 0x200000001
1>3 ACK 0x200000002
1>3 ACK 0x200000003
3>2 COMMIT 0x200000001
2: commit 0x200000001
3>1 COMMIT 0x200000001
1: commit 0x200000001
3>2 COMMIT 0x200000002
2: commit 0x200000002
3>1 COMMIT 0x200000002
1: commit 0x200000002
3>2 COMMIT 0x200000003
2: commit 0x200000003
3>1 COMMIT 0x200000003
1: commit 0x200000003

propose 3 e
run
----
3: serves no longer
3 closes its link with 2: the zxids of epoch 2 are used up
3 closes its link with 1: the zxids of epoch 2 are used up
3: "the zxids of epoch 2 are used up"
3: looking
2: serves no longer
2: "server 3 closed the link"
2: looking
1: serves no longer
1: "server 3 closed the link"
1: looking
1: following 3
2: following 3
3: leading
1>3 FOLLOWERINFO 0x200000000
2>3 FOLLOWERINFO 0x200000000
3: durable accepted epoch 3
3>1 LEADERINFO 0x300000000
3>2 LEADERINFO 0x300000000
1: durable accepted epoch 3
2: durable accepted epoch 3
1>3 ACKEPOCH 0x200000003
2>3 ACKEPOCH 0x200000003
3: durable epoch 3
3>1 DIFF 0x200000003
3>1 NEWLEADER 0x300000000
3>2 DIFF 0x200000003
3>2 NEWLEADER 0x300000000
1: durable epoch 3
2: durable epoch 3
1>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
2>3 ACK 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x200000003
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x200000003
1>3 ACK 0x300000000
2>3 ACK 0x300000000

run 1s
propose 3 e
run
show 1 2 3
----
3>1 PROPOSAL 0x300000001
3>2 PROPOSAL 0x300000001
3: durable 0x300000001
1: durable 0x300000001
2: durable 0x300000001
1>3 ACK 0x300000001
3: commit 0x300000001
2>3 ACK 0x300000001
3>1 COMMIT 0x300000001
1: commit 0x300000001
3>2 COMMIT 0x300000001
2: commit 0x300000001
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b 0x200000002/c 0x200000003/d 0x300000001/e] tree of 5
2: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b 0x200000002/c 0x200000003/d 0x300000001/e] tree of 5
3: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b 0x200000002/c 0x200000003/d 0x300000001/e] tree of 5
