import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.infinispan.client.hotrod.RemoteCache;
import org.infinispan.client.hotrod.RemoteCacheManager;
import org.infinispan.client.hotrod.configuration.ClientIntelligence;
import org.infinispan.client.hotrod.configuration.ConfigurationBuilder;
import org.infinispan.commons.marshall.ProtoStreamMarshaller;

/**
 * Stays connected to a cache over Hot Rod, as an application does, until the standard input ends.
 *
 * Arguments: host port cache. User and password are the first two lines of the standard input. Writes "connected" on
 * the standard output once it has read from the cache. Run from source: java -cp CLASSPATH Stay.java ...
 */
public class Stay {
   public static void main(String[] args) throws Exception {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      ConfigurationBuilder config = new ConfigurationBuilder();
      config.addServer().host(args[0]).port(Integer.parseInt(args[1]));
      config.security().authentication().enable().username(in.readLine()).password(in.readLine()).realm("default").serverName("infinispan");
      // Only the node that was named: the others' addresses may not be reachable from here.
      config.clientIntelligence(ClientIntelligence.BASIC);
      config.marshaller(new ProtoStreamMarshaller());

      try (RemoteCacheManager manager = new RemoteCacheManager(config.build())) {
         RemoteCache<String, String> cache = manager.getCache(args[2]);
         cache.get("any");
         System.out.println("connected");
         while (in.readLine() != null) {
            // nothing else is ever written to it
         }
      }
   }
}
