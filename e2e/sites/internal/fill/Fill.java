import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.infinispan.client.hotrod.RemoteCache;
import org.infinispan.client.hotrod.RemoteCacheManager;
import org.infinispan.client.hotrod.configuration.ClientIntelligence;
import org.infinispan.client.hotrod.configuration.ConfigurationBuilder;
import org.infinispan.client.hotrod.exceptions.HotRodClientException;
import org.infinispan.commons.marshall.ProtoStreamMarshaller;

/**
 * Writes entries with string keys and values over Hot Rod.
 *
 * Arguments: host port cache first count prefix valueSize lifespanSeconds threads batch. The key of entry i is
 * prefix + i; its value is "value-" + i, padded with dots to valueSize. A lifespan of 0 is for ever. User and
 * password are the first two lines of the standard input. Run from source: java -cp CLASSPATH Fill.java ...
 */
public class Fill {
   public static void main(String[] args) throws Exception {
      if (args.length != 10) {
         System.err.println("usage: host port cache first count prefix valueSize lifespanSeconds threads batch");
         System.exit(2);
      }
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      String user = in.readLine();
      String password = in.readLine();
      String cacheName = args[2];
      int first = Integer.parseInt(args[3]);
      int end = first + Integer.parseInt(args[4]);
      String prefix = args[5];
      int size = Integer.parseInt(args[6]);
      long lifespan = Long.parseLong(args[7]);
      int threads = Integer.parseInt(args[8]);
      int batch = Integer.parseInt(args[9]);

      ConfigurationBuilder config = new ConfigurationBuilder();
      config.addServer().host(args[0]).port(Integer.parseInt(args[1]));
      config.security().authentication().enable().username(user).password(password).realm("default").serverName("infinispan");
      // Only the node that was named: the others' addresses may not be reachable from here.
      config.clientIntelligence(ClientIntelligence.BASIC);
      config.marshaller(new ProtoStreamMarshaller());
      config.maxRetries(0).socketTimeout(120_000);

      try (RemoteCacheManager manager = new RemoteCacheManager(config.build())) {
         RemoteCache<String, String> cache = manager.getCache(cacheName);
         if (cache == null) {
            throw new IllegalArgumentException("there is no cache " + cacheName);
         }
         AtomicInteger next = new AtomicInteger(first);
         ExecutorService pool = Executors.newFixedThreadPool(threads);
         List<Future<?>> workers = new ArrayList<>();
         for (int t = 0; t < threads; t++) {
            workers.add(pool.submit(() -> {
               for (int from; (from = next.getAndAdd(batch)) < end;) {
                  write(cache, entries(prefix, from, Math.min(from + batch, end), size), lifespan > 0 ? lifespan : -1);
               }
            }));
         }
         pool.shutdown();
         for (Future<?> worker : workers) {
            worker.get();
         }
      }
   }

   /** Writes a batch, at most five times: a busy server may roll it back, and writing it again is harmless. */
   private static void write(RemoteCache<String, String> cache, Map<String, String> entries, long lifespan) {
      for (int attempt = 1;; attempt++) {
         try {
            if (entries.size() == 1) {
               Map.Entry<String, String> only = entries.entrySet().iterator().next();
               cache.put(only.getKey(), only.getValue(), lifespan, TimeUnit.SECONDS);
            } else {
               cache.putAll(entries, lifespan, TimeUnit.SECONDS);
            }
            return;
         } catch (HotRodClientException e) {
            if (attempt == 5) {
               throw e;
            }
         }
      }
   }

   private static Map<String, String> entries(String prefix, int from, int to, int size) {
      Map<String, String> entries = new HashMap<>();
      for (int i = from; i < to; i++) {
         StringBuilder value = new StringBuilder(Math.max(size, 16)).append("value-").append(i);
         while (value.length() < size) {
            value.append('.');
         }
         entries.put(prefix + i, value.toString());
      }
      return entries;
   }
}
