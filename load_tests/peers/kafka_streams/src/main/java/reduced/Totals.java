package reduced;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.UncheckedIOException;

/** The output of one event: the windows that it fell into, itself included. */
record Totals(
        String id,
        String user,
        long hour,
        @JsonProperty("hour_count") long hourCount,
        @JsonProperty("hour_cents") long hourCents,
        long day,
        @JsonProperty("day_count") long dayCount,
        @JsonProperty("day_cents") long dayCents) {

    private static final ObjectWriter WRITER = new ObjectMapper().writerFor(Totals.class);

    byte[] encode() {
        try {
            return WRITER.writeValueAsBytes(this);
        } catch (JsonProcessingException error) {
            throw new UncheckedIOException(error);
        }
    }
}
