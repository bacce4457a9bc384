# The leader's log ends with what no quorum had. It leads again: what it brings into its epoch is committed with NEWLEADER's quorum,
# and a DIFF carries it as committed only to those who will have it on disk before they acknowledge.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a,0x100000002/uncommitted
start 1 3
stall 1
run 300ms
go 1 1
run
crash 3
crash 1
show 1 3
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
3>1 DIFF 0x100000002
3>1 PROPOSAL 0x100000002
3>1 COMMIT 0x100000002
1: commit 0x100000002
3>1 NEWLEADER 0x200000000
1: accepted 2 epoch 1 snapshot 0x0 of 0 log [0x100000001/a] tree of 2
3: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/uncommitted] tree of 2

# Nobody had acknowledged it: the two others may go on without it.
start 1 2
run 1s
propose 2 b
run
start 3
run 1s
show 1 2 3
----
1: looking
2: looking
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
3: looking
3: following 2
3>2 FOLLOWERINFO 0x200000000
2>3 LEADERINFO 0x300000000
3: durable accepted epoch 3
3>2 ACKEPOCH 0x100000002
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
