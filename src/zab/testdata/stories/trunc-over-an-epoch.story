# What is to be cut off ends another epoch than the leader's history goes on with: no cut may reach over that border, so SNAP.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/only-here
disk 2 epoch=2 log=0x100000001/a,0x100000002/b,0x200000001/c,0x200000002/d
disk 3 epoch=2 log=0x100000001/a,0x100000002/b,0x200000001/c,0x200000002/d
start 2 3
run 1s
----
2: looking
3: looking
2: following 3
2>3 FOLLOWERINFO 0x200000000
3: leading
3: durable accepted epoch 3
3>2 LEADERINFO 0x300000000
2: durable accepted epoch 3
2>3 ACKEPOCH 0x200000002
3: durable epoch 3
3>2 DIFF 0x200000002
3>2 NEWLEADER 0x300000000
2: durable epoch 3
2>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x200000002
2>3 ACK 0x300000000

start 1
run 1s
show 1
----
1: looking
1: following 3
1>3 FOLLOWERINFO 0x100000000
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>3 ACKEPOCH 0x100000003
3>1 SNAP 0x300000000
3>1 snapshot of 4 transactions
3>1 NEWLEADER 0x300000000
1: durable snapshot 0x300000000
1: durable epoch 3
1>3 ACK 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x300000000
1>3 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x300000000 of 4 log [0x100000001/a 0x100000002/b 0x200000001/c 0x200000002/d] tree of 4
