# A tree that came by SNAP counts for nothing until it is a snapshot on disk: ZooKeeper took NEWLEADER for received before that, and a
# crash left the old tree with the new epoch. Here the member goes back to what it had.
ensemble voters=3 history=1
disk 1 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=3
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=3
disk 3 epoch=1 log=0x100000001/a
start 1 2
run 1s
start 3
stall 3
run 300ms
go 3 1
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
1>2 ACKEPOCH 0x100000003
2: durable epoch 2
2>1 DIFF 0x100000003
2>1 NEWLEADER 0x200000000
1: durable epoch 2
1>2 ACK 0x200000000
2: serves epoch 2 from 0x200000000
2>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000003
1>2 ACK 0x200000000
3: looking
3: following 2
3>2 FOLLOWERINFO 0x100000000
2>3 LEADERINFO 0x200000000
3: durable accepted epoch 2
3>2 ACKEPOCH 0x100000001
2>3 SNAP 0x200000000
2>3 snapshot of 3 transactions
2>3 NEWLEADER 0x200000000

propose 2 d
run
crash 3
show 3
----
2>1 PROPOSAL 0x200000001
2>3 PROPOSAL 0x200000001
2: durable 0x200000001
1: durable 0x200000001
1>2 ACK 0x200000001
2: commit 0x200000001
2>1 COMMIT 0x200000001
1: commit 0x200000001
3: accepted 2 epoch 1 snapshot 0x0 of 0 log [0x100000001/a] tree of 3

start 3
run 1s
show 3
----
3: looking
3: following 2
3>2 FOLLOWERINFO 0x200000000
2>3 LEADERINFO 0x200000000
3>2 ACKEPOCH 0x100000001
2>3 SNAP 0x200000001
2>3 snapshot of 4 transactions
2>3 NEWLEADER 0x200000000
3: durable snapshot 0x200000001
3: durable epoch 2
3>2 ACK 0x200000000
2>3 UPTODATE 0xffffffffffffffff
3: serves epoch 2 from 0x200000001
3>2 ACK 0x200000000
3: accepted 2 epoch 2 snapshot 0x200000001 of 4 log [0x100000001/a 0x100000002/b 0x100000003/c 0x200000001/d] tree of 4
