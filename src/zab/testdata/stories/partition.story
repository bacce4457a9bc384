# A leader cut off from both followers commits nothing more; the others elect and go on, and what it logged alone is cut off.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 1 2 3
run 1s
cut 1-3
cut 2-3
propose 3 alone
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
1: serves no longer
1: "server 3 closed the link"
1: looking
2: serves no longer
2: "server 3 closed the link"
2: looking
3: serves no longer
3: "no quorum of followers is left"
3: looking
3: durable 0x200000001
3: commit 0x200000001

run 3s
propose 2 b
run
----
1: following 2
1>2 FOLLOWERINFO 0x200000000
2: leading
2: durable accepted epoch 3
2>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>2 ACKEPOCH 0x100000001
2: durable epoch 3
2>1 DIFF 0x100000001
2>1 NEWLEADER 0x300000000
1: durable epoch 3
1>2 ACK 0x300000000
2: serves epoch 3 from 0x300000000
2>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x100000001
1>2 ACK 0x300000000
2>1 PROPOSAL 0x300000001
2: durable 0x300000001
1: durable 0x300000001
1>2 ACK 0x300000001
2: commit 0x300000001
2>1 COMMIT 0x300000001
1: commit 0x300000001

heal 1-3
heal 2-3
run 10s
show 1 2 3
----
3: following 2
3>2 FOLLOWERINFO 0x200000000
2>3 LEADERINFO 0x300000000
3: durable accepted epoch 3
3>2 ACKEPOCH 0x200000001
2>3 SNAP 0x300000001
2>3 snapshot of 2 transactions
2>3 NEWLEADER 0x300000000
3: durable snapshot 0x300000001
3: durable epoch 3
3>2 ACK 0x300000000
2>3 UPTODATE 0xffffffffffffffff
3: serves epoch 3 from 0x300000001
3>2 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x300000001/b] tree of 2
2: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x300000001/b] tree of 2
3: accepted 3 epoch 3 snapshot 0x300000001 of 2 log [0x100000001/a 0x300000001/b] tree of 2
