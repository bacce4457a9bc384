# A member that was away while all whom it knows to vote were replaced, and have gone, is told of the configuration by the leader.
ensemble voters=2 observers=2 reconfig
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
disk 4 epoch=1 log=0x100000001/a
start 1 2 3
run 2s
reconfig 2 voters=1,2,3 observers=4
run 1s
reconfig 2 voters=3 observers=4
run 1s
crash 1 2
start 4
run 1s
----
1: looking
2: looking
3: looking
1: following 2
2: leading
3: observing 2
1>2 FOLLOWERINFO 0x100000000
2: durable accepted epoch 2
3>2 OBSERVERINFO 0x100000000
2>1 LEADERINFO 0x200000000
2>3 LEADERINFO 0x200000000
1: durable accepted epoch 2
3: durable accepted epoch 2
1>2 ACKEPOCH 0x100000001
2: configuration 0x200000000 proposed
3>2 ACKEPOCH 0x100000001
2: durable epoch 2
2>1 DIFF 0x100000001
2>1 NEWLEADER 0x200000000 configuration 0x200000000
1: configuration 0x200000000 proposed
2>3 DIFF 0x100000001
2>3 NEWLEADER 0x200000000 configuration 0x200000000
3: configuration 0x200000000 proposed
1: durable epoch 2
3: durable epoch 2
1>2 ACK 0x200000000
2: configuration 0x200000000
2: serves epoch 2 from 0x200000000
3>2 ACK 0x200000000
2>1 UPTODATE 0xffffffffffffffff
1: configuration 0x200000000
1: serves epoch 2 from 0x100000001
2>3 UPTODATE 0xffffffffffffffff
3: configuration 0x200000000
3: serves epoch 2 from 0x100000001
1>2 ACK 0x200000000
3>2 ACK 0x200000000
2: configuration 0x200000001 proposed
2>1 PROPOSAL 0x200000001
1: configuration 0x200000001 proposed
2: durable 0x200000001
1: durable 0x200000001
1>2 ACK 0x200000001
2: commit 0x200000001
2: configuration 0x200000001
2>1 COMMITANDACTIVATE 0x200000001
1: commit 0x200000001
1: configuration 0x200000001
2>3 INFORMANDACTIVATE 0x200000001
3: configuration 0x200000001 proposed
3: commit 0x200000001
3: configuration 0x200000001
3: serves no longer
3 closes its link with 2: a reconfiguration gives another role or leader
3: "a reconfiguration gives another role or leader"
3: looking
3: durable 0x200000001
3: following 2
3>2 FOLLOWERINFO 0x200000000
2>3 LEADERINFO 0x200000000
3>2 ACKEPOCH 0x200000001
2>3 DIFF 0x200000001
2>3 NEWLEADER 0x200000000 configuration 0x200000001
3>2 ACK 0x200000000
2>3 UPTODATE 0xffffffffffffffff
3: serves epoch 2 from 0x200000001
3>2 ACK 0x200000000
2: configuration 0x200000002 proposed
2>1 PROPOSAL 0x200000002
1: configuration 0x200000002 proposed
2>3 PROPOSAL 0x200000002
3: configuration 0x200000002 proposed
2: durable 0x200000002
1: durable 0x200000002
3: durable 0x200000002
1>2 ACK 0x200000002
3>2 ACK 0x200000002
2: commit 0x200000002
2: configuration 0x200000002
2>1 COMMITANDACTIVATE 0x200000002
1: commit 0x200000002
1: configuration 0x200000002
1: serves no longer
1 closes its link with 2: a reconfiguration gives another role or leader
1: "a reconfiguration gives another role or leader"
1: looking
1: following 3
2>3 COMMITANDACTIVATE 0x200000002
3: commit 0x200000002
3: configuration 0x200000002
3: serves no longer
3 closes its link with 2: a reconfiguration gives another role or leader
3: "a reconfiguration gives another role or leader"
3: looking
3: leading
3: durable accepted epoch 3
1>3 FOLLOWERINFO 0x200000000
2: serves no longer
2: "no quorum of followers is left"
2: looking
2: following 3
3: durable epoch 3
3: serves epoch 3 from 0x300000000
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
2>3 FOLLOWERINFO 0x200000000
1>3 ACKEPOCH 0x200000002
3>2 LEADERINFO 0x300000000
3>1 DIFF 0x200000002
3>1 NEWLEADER 0x300000000 configuration 0x200000002
2: durable accepted epoch 3
1: durable epoch 3
2>3 ACKEPOCH 0x200000002
1>3 ACK 0x300000000
3>2 DIFF 0x200000002
3>2 NEWLEADER 0x300000000 configuration 0x200000002
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x200000002
2: durable epoch 3
1>3 ACK 0x300000000
2>3 ACK 0x300000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x200000002
2>3 ACK 0x300000000
4: looking

run 10s
propose 3 b
run
show 3 4
----
4: configuration 0x200000002
4: observing 3
4>3 OBSERVERINFO 0x100000000
3>4 LEADERINFO 0x300000000
4: durable accepted epoch 3
4>3 ACKEPOCH 0x100000001
3>4 DIFF 0x200000002
3>4 PROPOSAL 0x200000001
3>4 COMMIT 0x200000001
4: commit 0x200000001
3>4 PROPOSAL 0x200000002
3>4 COMMIT 0x200000002
4: commit 0x200000002
3>4 NEWLEADER 0x300000000 configuration 0x200000002
4: durable 0x200000001
4: durable 0x200000002
4: durable epoch 3
4>3 ACK 0x300000000
3>4 UPTODATE 0xffffffffffffffff
4: serves epoch 3 from 0x200000002
4>3 ACK 0x300000000
3: durable 0x300000001
3: commit 0x300000001
3>4 INFORM 0x300000001
4: commit 0x300000001
4: durable 0x300000001
3: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/reconfiguration 0x300000001/b] tree of 4
4: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/reconfiguration 0x300000001/b] tree of 4
