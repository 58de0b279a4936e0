package reduced;

import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The reduced job in Kafka Streams: a processor with a persistent store, its cache and its changelog on, at
 * least once.
 */
public final class ReducedJob implements Processor<byte[], byte[], byte[], byte[]> {
    private static final String ROWS = "rows";
    /** Room for as many rows as our own contender keeps decoded; the default is 10 MiB. */
    private static final long CACHE_BYTES = 100L << 20;

    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, Row> rows;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        this.rows = context.getStateStore(ROWS);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Event event = Event.decode(record.value());
        if (event == null) {
            return;
        }
        Row row = rows.get(event.user());
        if (row == null) {
            row = new Row();
        }
        Totals totals = row.update(event);
        if (totals == null) {
            return;
        }
        rows.put(event.user(), row);
        context.forward(record.withValue(totals.encode()));
    }

    /** Arguments: servers, source topic, output topic, state folder, seconds between commits. */
    public static void main(String[] arguments) {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2] + "-job");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        config.put(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Integer.parseInt(arguments[4]) * 1000);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        KafkaStreams streams = new KafkaStreams(topology(arguments[1], arguments[2]), config);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Topology topology(String source, String outputs) {
        return new Topology()
                .addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), source)
                .addProcessor("count", ReducedJob::new, "events")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                        Stores.persistentKeyValueStore(ROWS), Serdes.String(), Row.serde())
                                .withCachingEnabled()
                                .withLoggingEnabled(Map.of()),
                        "count")
                .addSink("totals", outputs, new ByteArraySerializer(), new ByteArraySerializer(), "count");
    }
}
