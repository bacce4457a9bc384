# From the proposal of a new configuration on, a quorum of the old and one of the new must have what is committed. Server 4 observes and
# is to vote in the place of server 1, whose acknowledgement does not count for the new one.
ensemble voters=3 observers=1 reconfig
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
disk 4 epoch=1 log=0x100000001/a
start 1 2 3 4
run 2s
stall 2
reconfig 3 voters=2,3,4
run
----
1: looking
2: looking
3: looking
4: looking
2: following 3
1: following 3
3: leading
4: observing 3
2>3 FOLLOWERINFO 0x100000000
1>3 FOLLOWERINFO 0x100000000
4>3 OBSERVERINFO 0x100000000
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
3>1 LEADERINFO 0x200000000
3>4 LEADERINFO 0x200000000
2: durable accepted epoch 2
1: durable accepted epoch 2
4: durable accepted epoch 2
2>3 ACKEPOCH 0x100000001
3: configuration 0x200000000 proposed
1>3 ACKEPOCH 0x100000001
4>3 ACKEPOCH 0x100000001
3: durable epoch 2
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x200000000 configuration 0x200000000
2: configuration 0x200000000 proposed
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x200000000 configuration 0x200000000
1: configuration 0x200000000 proposed
3>4 DIFF 0x100000001
3>4 NEWLEADER 0x200000000 configuration 0x200000000
4: configuration 0x200000000 proposed
2: durable epoch 2
1: durable epoch 2
4: durable epoch 2
2>3 ACK 0x200000000
3: configuration 0x200000000
3: serves epoch 2 from 0x200000000
1>3 ACK 0x200000000
4>3 ACK 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: configuration 0x200000000
2: serves epoch 2 from 0x100000001
3>1 UPTODATE 0xffffffffffffffff
1: configuration 0x200000000
1: serves epoch 2 from 0x100000001
3>4 UPTODATE 0xffffffffffffffff
4: configuration 0x200000000
4: serves epoch 2 from 0x100000001
2>3 ACK 0x200000000
1>3 ACK 0x200000000
4>3 ACK 0x200000000
3: configuration 0x200000001 proposed
3>2 PROPOSAL 0x200000001
2: configuration 0x200000001 proposed
3>1 PROPOSAL 0x200000001
1: configuration 0x200000001 proposed
3: durable 0x200000001
1: durable 0x200000001
1>3 ACK 0x200000001

# Of the old voters 1 and 3 have it; of the new, server 3 alone: server 4 observes still and acknowledges nothing.
go 2
run
----
2: durable 0x200000001
2>3 ACK 0x200000001
3: commit 0x200000001
3: configuration 0x200000001
3>2 COMMITANDACTIVATE 0x200000001
2: commit 0x200000001
2: configuration 0x200000001
3>1 COMMITANDACTIVATE 0x200000001
1: commit 0x200000001
1: configuration 0x200000001
3>4 INFORMANDACTIVATE 0x200000001
4: configuration 0x200000001 proposed
4: commit 0x200000001
4: configuration 0x200000001
4: serves no longer
4 closes its link with 3: a reconfiguration gives another role or leader
4: "a reconfiguration gives another role or leader"
4: looking
4: durable 0x200000001
4: following 3
4>3 FOLLOWERINFO 0x200000000
3>4 LEADERINFO 0x200000000
4>3 ACKEPOCH 0x200000001
3>4 DIFF 0x200000001
3>4 NEWLEADER 0x200000000 configuration 0x200000001
4>3 ACK 0x200000000
3>4 UPTODATE 0xffffffffffffffff
4: serves epoch 2 from 0x200000001
4>3 ACK 0x200000000

run 3s
propose 3 b
run
show 1 2 3 4
----
3>2 PROPOSAL 0x200000002
3>1 PROPOSAL 0x200000002
3>4 PROPOSAL 0x200000002
3: durable 0x200000002
2: durable 0x200000002
1: durable 0x200000002
4: durable 0x200000002
2>3 ACK 0x200000002
3: commit 0x200000002
1>3 ACK 0x200000002
4>3 ACK 0x200000002
3>2 COMMIT 0x200000002
2: commit 0x200000002
3>1 COMMIT 0x200000002
1: commit 0x200000002
3>4 COMMIT 0x200000002
4: commit 0x200000002
1: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/b] tree of 3
2: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/b] tree of 3
3: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/b] tree of 3
4: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x200000001/reconfiguration 0x200000002/b] tree of 3
