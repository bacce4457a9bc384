# The leaders keep one transaction in memory and have the older ones in a snapshot alone: an empty member gets the tree.
ensemble voters=3 history=1
disk 1 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=2
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=2
disk 3 empty
start 1 2
run 1s
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

start 3
run 1s
show 3
----
3: looking
3: following 2
3>2 FOLLOWERINFO 0x0
2>3 LEADERINFO 0x200000000
3: durable accepted epoch 2
3>2 ACKEPOCH 0x0
2>3 SNAP 0x200000000
2>3 snapshot of 3 transactions
2>3 NEWLEADER 0x200000000
3: durable snapshot 0x200000000
3: durable epoch 2
3>2 ACK 0x200000000
2>3 UPTODATE 0xffffffffffffffff
3: serves epoch 2 from 0x200000000
3>2 ACK 0x200000000
3: accepted 2 epoch 2 snapshot 0x200000000 of 3 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
