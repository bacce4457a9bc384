# ZooKeeper wrote currentEpoch before the history of that epoch was durable: after a crash the member voted with an epoch whose
# transactions it lacked, won against those who had them, and truncated them. Here the epoch comes after the history.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c
disk 3 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c
start 1 2
stall 1
run 300ms
go 1 1
run
go 1 2
run
show 1
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
1: durable 0x100000002
1: durable 0x100000003
1: accepted 2 epoch 1 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3

crash 1
start 1 3
run 1s
show 1 2 3
----
1: looking
3: looking
1: following 3
1>3 FOLLOWERINFO 0x200000000
3: leading
3: durable accepted epoch 3
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>3 ACKEPOCH 0x100000003
3: durable epoch 3
3>1 DIFF 0x100000003
3>1 NEWLEADER 0x300000000
1: durable epoch 3
1>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x100000003
1>3 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
2: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
3: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
