# A member that was away during a reconfiguration learns the configuration from NEWLEADER, and takes it up at UPTODATE, not before.
ensemble voters=3 observers=1 reconfig
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
disk 4 epoch=1 log=0x100000001/a
start 2 3 4
run 2s
reconfig 3 voters=1,2,3
run
----
2: looking
3: looking
4: looking
2: following 3
2>3 FOLLOWERINFO 0x100000000
3: leading
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
2: durable accepted epoch 2
2>3 ACKEPOCH 0x100000001
3: configuration 0x200000000 proposed
3: durable epoch 2
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x200000000 configuration 0x200000000
2: configuration 0x200000000 proposed
2: durable epoch 2
2>3 ACK 0x200000000
3: configuration 0x200000000
3: serves epoch 2 from 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: configuration 0x200000000
2: serves epoch 2 from 0x100000001
2>3 ACK 0x200000000
4: observing 3
4>3 OBSERVERINFO 0x100000000
3>4 LEADERINFO 0x200000000
4: durable accepted epoch 2
4>3 ACKEPOCH 0x100000001
3>4 DIFF 0x100000001
3>4 NEWLEADER 0x200000000 configuration 0x200000000
4: configuration 0x200000000 proposed
4: durable epoch 2
4>3 ACK 0x200000000
3>4 UPTODATE 0xffffffffffffffff
4: configuration 0x200000000
4: serves epoch 2 from 0x100000001
4>3 ACK 0x200000000
3: configuration 0x200000001 proposed
3>2 PROPOSAL 0x200000001
2: configuration 0x200000001 proposed
3: durable 0x200000001
2: durable 0x200000001
2>3 ACK 0x200000001
3: commit 0x200000001
3: configuration 0x200000001
3>2 COMMITANDACTIVATE 0x200000001
2: commit 0x200000001
2: configuration 0x200000001
3>4 INFORMANDACTIVATE 0x200000001
4: configuration 0x200000001 proposed
4: commit 0x200000001
4: configuration 0x200000001
4: durable 0x200000001

hold 3>1 UPTODATE
start 1
run 1s
----
1: looking
1: configuration 0x200000001
1: following 3
1>3 FOLLOWERINFO 0x100000000
3>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>3 ACKEPOCH 0x100000001
3>1 DIFF 0x200000001
3>1 PROPOSAL 0x200000001
3>1 COMMIT 0x200000001
1: commit 0x200000001
3>1 NEWLEADER 0x200000000 configuration 0x200000001
1: durable 0x200000001
1: durable epoch 2
1>3 ACK 0x200000000

release 3>1
----
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x200000001
1>3 ACK 0x200000000
1>3 ACK 0x200000001
