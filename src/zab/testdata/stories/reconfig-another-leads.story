# The leader is not in the new configuration: it commits that, names the one that is to lead, and commits no more. No election follows.
ensemble voters=3 reconfig
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 1 2 3
run 2s
reconfig 3 voters=1,2
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
3: configuration 0x200000000 proposed
1>3 ACKEPOCH 0x100000001
3: durable epoch 2
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x200000000 configuration 0x200000000
2: configuration 0x200000000 proposed
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x200000000 configuration 0x200000000
1: configuration 0x200000000 proposed
2: durable epoch 2
1: durable epoch 2
2>3 ACK 0x200000000
3: configuration 0x200000000
3: serves epoch 2 from 0x200000000
1>3 ACK 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: configuration 0x200000000
2: serves epoch 2 from 0x100000001
3>1 UPTODATE 0xffffffffffffffff
1: configuration 0x200000000
1: serves epoch 2 from 0x100000001
2>3 ACK 0x200000000
1>3 ACK 0x200000000
3: configuration 0x200000001 proposed
3>2 PROPOSAL 0x200000001
2: configuration 0x200000001 proposed
3>1 PROPOSAL 0x200000001
1: configuration 0x200000001 proposed
3: durable 0x200000001
2: durable 0x200000001
1: durable 0x200000001
2>3 ACK 0x200000001
1>3 ACK 0x200000001
3: commit 0x200000001
3: configuration 0x200000001
3>2 COMMITANDACTIVATE 0x200000001
2: commit 0x200000001
2: configuration 0x200000001
2: serves no longer
2 closes its link with 3: a reconfiguration gives another role or leader
2: "a reconfiguration gives another role or leader"
2: looking
2: leading
3>1 COMMITANDACTIVATE 0x200000001
1: commit 0x200000001
1: configuration 0x200000001
1: serves no longer
1 closes its link with 3: a reconfiguration gives another role or leader
1: "a reconfiguration gives another role or leader"
1: looking
1: following 2
3: serves no longer
3: "no quorum of followers is left"
3: looking
3: following 2
1>2 FOLLOWERINFO 0x200000000
2: durable accepted epoch 3
3>2 FOLLOWERINFO 0x200000000
2>1 LEADERINFO 0x300000000
2>3 LEADERINFO 0x300000000
1: durable accepted epoch 3
3: durable accepted epoch 3
1>2 ACKEPOCH 0x200000001
3>2 ACKEPOCH 0x200000001
2: durable epoch 3
2>1 DIFF 0x200000001
2>1 NEWLEADER 0x300000000 configuration 0x200000001
2>3 DIFF 0x200000001
2>3 NEWLEADER 0x300000000 configuration 0x200000001
1: durable epoch 3
3: durable epoch 3
1>2 ACK 0x300000000
2: serves epoch 3 from 0x300000000
3>2 ACK 0x300000000
2>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x200000001
2>3 UPTODATE 0xffffffffffffffff
3: serves epoch 3 from 0x200000001
1>2 ACK 0x300000000
3>2 ACK 0x300000000

run 3s
propose 2 b
run
show 1 2
----
2>1 PROPOSAL 0x300000001
2>3 PROPOSAL 0x300000001
2: durable 0x300000001
1: durable 0x300000001
3: durable 0x300000001
1>2 ACK 0x300000001
2: commit 0x300000001
3>2 ACK 0x300000001
2>1 COMMIT 0x300000001
1: commit 0x300000001
2>3 COMMIT 0x300000001
3: commit 0x300000001
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x300000001/b] tree of 3
2: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x300000001/b] tree of 3
