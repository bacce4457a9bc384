# ZooKeeper acknowledged NEWLEADER, and so helped a leader to its quorum, before the DIFF's transactions were on disk: a crash took
# away what the leader then counted as its follower's. Here nothing is said before they are, so the crash costs nothing.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c
disk 3 epoch=1 log=0x100000001/a,0x100000002/b
start 1 2
stall 1
run 300ms
go 1 1
run
----
1: looking
2: looking
1: following 2
1>2 FOLLOWERINFO 0x100000000
2: leading
2: durable accepted epoch 2
2>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>2 ACKEPOCH 0x100000001
2: durable epoch 2
2>1 DIFF 0x100000003
2>1 PROPOSAL 0x100000002
2>1 COMMIT 0x100000002
1: commit 0x100000002
2>1 PROPOSAL 0x100000003
2>1 COMMIT 0x100000003
1: commit 0x100000003
2>1 NEWLEADER 0x200000000

# The epoch was promised. Two transactions came, and NEWLEADER, and no acknowledgement goes out. One of them is durable when power fails.
go 1 1
run
crash 1
show 1
----
1: durable 0x100000002
1: accepted 2 epoch 1 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 3

# The leader waits for its quorum in vain: the two others, neither of which has c, may go on without it. Then it comes back to them.
start 3
run
start 1
run 15s
show 1 2 3
----
3: looking
1: looking
1: following 3
1>3 FOLLOWERINFO 0x200000000
3: leading
3: durable accepted epoch 3
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>3 ACKEPOCH 0x100000002
3: durable epoch 3
3>1 DIFF 0x100000002
3>1 NEWLEADER 0x300000000
1: durable epoch 3
1>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x100000002
1>3 ACK 0x300000000
2: "no quorum of followers was in step in time"
2: looking
2: following 3
2>3 FOLLOWERINFO 0x200000000
3>2 LEADERINFO 0x300000000
2: durable accepted epoch 3
2>3 ACKEPOCH 0x100000003
3>2 TRUNC 0x100000002
3>2 NEWLEADER 0x300000000
2: durable cut to 0x100000002
2: durable epoch 3
2>3 ACK 0x300000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x100000002
2>3 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
2: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
3: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
