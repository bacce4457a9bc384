# A member that was away a short while gets what it missed, each proposal with its commit, and then NEWLEADER.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c
disk 3 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c
start 1 3
run 1s
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
3>1 DIFF 0x100000003
3>1 PROPOSAL 0x100000002
3>1 COMMIT 0x100000002
1: commit 0x100000002
3>1 PROPOSAL 0x100000003
3>1 COMMIT 0x100000003
1: commit 0x100000003
3>1 NEWLEADER 0x200000000
1: durable 0x100000002
1: durable 0x100000003
1: durable epoch 2
1>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000003
1>3 ACK 0x200000000
1>3 ACK 0x100000002
1>3 ACK 0x100000003
1: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
3: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
