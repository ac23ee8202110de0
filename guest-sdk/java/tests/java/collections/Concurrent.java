package collections;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import millrace.tests.Cases;

public final class Concurrent extends Cases {
    private int counter;

    private synchronized int next() {
        return ++counter;
    }

    @Override
    protected void cases() {
        check("ConcurrentHashMap", () -> {
            ConcurrentHashMap<String, Integer> map = new ConcurrentHashMap<>();
            map.put("a", 1);
            map.putIfAbsent("a", 2);
            map.merge("a", 5, Integer::sum);
            map.computeIfAbsent("b", k -> 3);
            map.replace("b", 3, 4);
            map.remove("b", 9);
            return new TreeMap<>(map) + "" + map.size() + map.getOrDefault("z", 0) + map.containsKey("b");
        });
        check("ConcurrentHashMap while iterating", () -> {
            Map<Integer, Integer> map = new ConcurrentHashMap<>(Map.of(1, 1, 2, 2, 3, 3));
            for (Integer key : map.keySet()) {
                map.remove(key);
            }
            return map;
        });
        check("ConcurrentHashMap of sets", () -> {
            var set = ConcurrentHashMap.<String>newKeySet();
            set.add("x");
            return set + "" + set.add("x");
        });
        check("ConcurrentSkipListMap", () -> {
            ConcurrentSkipListMap<String, Integer> map = new ConcurrentSkipListMap<>(Map.of("b", 1, "a", 2));
            return map.firstKey() + map;
        });
        check("CopyOnWriteArrayList", () -> {
            List<Integer> list = new CopyOnWriteArrayList<>(List.of(1, 2));
            for (Iterator<Integer> it = list.iterator(); it.hasNext();) {
                list.add(it.next() * 10);
            }
            return list;
        });
        check("queues", () -> {
            ArrayBlockingQueue<Integer> bounded = new ArrayBlockingQueue<>(2);
            return bounded.offer(1) + "" + bounded.offer(2) + bounded.offer(3) + bounded.poll() + bounded.remainingCapacity();
        });
        check("linked queues", () -> {
            ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>(List.of(1, 2));
            ConcurrentLinkedDeque<Integer> deque = new ConcurrentLinkedDeque<>(List.of(3));
            deque.addFirst(9);
            LinkedBlockingQueue<Integer> blocking = new LinkedBlockingQueue<>();
            blocking.add(4);
            return queue.poll() + "" + queue.peek() + deque + blocking.poll();
        });
        check("AtomicInteger and AtomicLong", () -> {
            AtomicInteger i = new AtomicInteger(5);
            AtomicLong l = new AtomicLong();
            i.updateAndGet(x -> x * 2);
            l.accumulateAndGet(7, Long::sum);
            return i.getAndIncrement() + " " + i.addAndGet(3) + i.compareAndSet(14, 1) + i + l.incrementAndGet() + l.getAndAdd(2);
        });
        check("AtomicBoolean and AtomicReference", () -> {
            AtomicReference<String> r = new AtomicReference<>("a");
            r.updateAndGet(s -> s + "b");
            return new AtomicBoolean().getAndSet(true) + r.getAndSet("z") + r.compareAndSet("q", "x") + r.get();
        });
        check("AtomicIntegerArray", () -> {
            AtomicIntegerArray array = new AtomicIntegerArray(3);
            array.incrementAndGet(1);
            array.addAndGet(2, 5);
            return array;
        });
        check("LongAdder", () -> {
            LongAdder adder = new LongAdder();
            adder.add(5);
            adder.increment();
            DoubleAdder doubles = new DoubleAdder();
            doubles.add(1.5);
            return adder.sum() + " " + adder + doubles.sum();
        });
        check("synchronized", () -> {
            Object monitor = new Object();
            synchronized (monitor) {
                synchronized (monitor) {
                    return next() + next();
                }
            }
        });
        check("ReentrantLock", () -> {
            Lock lock = new ReentrantLock();
            lock.lock();
            try {
                return lock.tryLock();
            } finally {
                lock.unlock();
            }
        });
        check("ReentrantReadWriteLock", () -> {
            ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
            lock.readLock().lock();
            lock.readLock().unlock();
            lock.writeLock().lock();
            lock.writeLock().unlock();
            return "locked";
        });
        check("ThreadLocal", () -> {
            ThreadLocal<Integer> local = ThreadLocal.withInitial(() -> 7);
            local.set(local.get() + 1);
            return local.get();
        });
        check("TimeUnit", () -> TimeUnit.HOURS.toMillis(2) + " " + TimeUnit.MILLISECONDS.toSeconds(3500) + TimeUnit.DAYS.convert(48, TimeUnit.HOURS) + TimeUnit.SECONDS);
        check("ThreadLocalRandom", () -> {
            int value = ThreadLocalRandom.current().nextInt(5, 10);
            return value >= 5 && value < 10;
        });
        check("volatile and name of the thread", () -> Thread.currentThread().getName());
    }
}
