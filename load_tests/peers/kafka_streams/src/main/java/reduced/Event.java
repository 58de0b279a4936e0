package reduced;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.DateTimeException;
import java.util.Set;

/** The fields of a Segment event that the job reads; all others are passed over. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(
        String messageId, String type, String timestamp, String userId, String anonymousId, String event,
        Properties properties) {

    private static final Set<String> TYPES =
            Set.of("page", "screen", "track", "identify", "group", "alias", "session", "label");
    private static final int LONGEST_NAME = 256;
    private static final double LARGEST_AMOUNT = 1e9;
    private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

    /** What an event is worth: its revenue, else its price. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Properties(Double revenue, Double price) {}

    /** An event, or null where the record is none. */
    static Event decode(byte[] value) {
        Event event;
        try {
            event = READER.readValue(value);
        } catch (IOException error) {
            return null;
        }
        return event.isValid() ? event : null;
    }

    String user() {
        return userId != null ? userId : anonymousId;
    }

    /** Epoch seconds. Most trackers write UTC, which is read faster. */
    long seconds() {
        return timestamp.endsWith("Z")
                ? Instant.parse(timestamp).getEpochSecond()
                : OffsetDateTime.parse(timestamp).toEpochSecond();
    }

    long cents() {
        Double amount = properties == null ? null : properties.revenue != null ? properties.revenue : properties.price;
        return amount == null ? 0 : (long) (amount * 100 + 0.5);
    }

    private boolean isValid() {
        if (messageId == null || !isName(messageId) || type == null || !TYPES.contains(type) || timestamp == null) {
            return false;
        }
        if (!isName(userId) || !isName(anonymousId) || !isName(event) || user() == null) {
            return false;
        }
        if (type.equals("track") && event == null) {
            return false;
        }
        if (properties != null && !(isAmount(properties.revenue) && isAmount(properties.price))) {
            return false;
        }
        try {
            seconds();
        } catch (DateTimeException error) {
            return false;
        }
        return true;
    }

    private static boolean isName(String name) {
        return name == null || !name.isEmpty() && name.length() <= LONGEST_NAME;
    }

    private static boolean isAmount(Double amount) {
        return amount == null || amount >= 0 && amount <= LARGEST_AMOUNT;
    }
}
