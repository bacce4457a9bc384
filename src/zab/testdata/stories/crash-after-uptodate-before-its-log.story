# A proposal that came before UPTODATE is acknowledged once it is durable, not because UPTODATE came.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 1 3
run 1s
stall 1
propose 3 b
run
----
1: looking
3: looking
1: following 3
1>3 FOLLOWERINFO 0x100000000
3: leading
3: durable accepted epoch 2
3>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>3 ACKEPOCH 0x100000001
3: durable epoch 2
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x200000000
1: durable epoch 2
1>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000001
1>3 ACK 0x200000000
3>1 PROPOSAL 0x200000001
3: durable 0x200000001

crash 1
start 2
run 12s
show 2 3
----
2: looking
3: serves no longer
3: "no quorum of followers is left"
3: looking
3: commit 0x200000001
2: following 3
2>3 FOLLOWERINFO 0x100000000
3: leading
3: durable accepted epoch 3
3>2 LEADERINFO 0x300000000
2: durable accepted epoch 3
2>3 ACKEPOCH 0x100000001
3: durable epoch 3
3>2 DIFF 0x200000001
3>2 PROPOSAL 0x200000001
3>2 COMMIT 0x200000001
2: commit 0x200000001
3>2 NEWLEADER 0x300000000
2: durable 0x200000001
2: durable epoch 3
2>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x200000001
2>3 ACK 0x300000000
2>3 ACK 0x200000001
2: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b] tree of 2
3: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b] tree of 2

start 1
run 1s
show 1
----
1: looking
1: following 3
1>3 FOLLOWERINFO 0x200000000
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>3 ACKEPOCH 0x100000001
3>1 DIFF 0x200000001
3>1 PROPOSAL 0x200000001
3>1 COMMIT 0x200000001
1: commit 0x200000001
3>1 NEWLEADER 0x300000000
1: durable 0x200000001
1: durable epoch 3
1>3 ACK 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x200000001
1>3 ACK 0x300000000
1>3 ACK 0x200000001
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/b] tree of 2
