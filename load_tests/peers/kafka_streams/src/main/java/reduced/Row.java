package reduced;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** All that is kept of one user. Windows are in the order of their begin. */
final class Row {
    private static final int RECENT_IDS = 32;
    private static final int KEPT_WINDOWS = 2;
    private static final long HOUR = 3_600;
    private static final long DAY = 86_400;

    private final ArrayDeque<String> recentIds = new ArrayDeque<>();
    private final List<Window> hours = new ArrayList<>(KEPT_WINDOWS + 1);
    private final List<Window> days = new ArrayList<>(KEPT_WINDOWS + 1);

    /** A tumbling window: its begin in epoch seconds, its events, and the sum of their amounts in cents. */
    private static final class Window {
        final long start;
        long count;
        long cents;

        Window(long start, long count, long cents) {
            this.start = start;
            this.count = count;
            this.cents = cents;
        }
    }

    /** Brings the row up to date; null where the event is a repeat, which changes nothing. */
    Totals update(Event event) {
        if (recentIds.contains(event.messageId())) {
            return null;
        }
        recentIds.addLast(event.messageId());
        if (recentIds.size() > RECENT_IDS) {
            recentIds.removeFirst();
        }
        long at = event.seconds();
        long cents = event.cents();
        Window hour = add(hours, at - at % HOUR, cents);
        Window day = add(days, at - at % DAY, cents);
        return new Totals(
                event.messageId(), event.user(), hour.start, hour.count, hour.cents, day.start, day.count, day.cents);
    }

    private static Window add(List<Window> windows, long start, long cents) {
        int place = windows.size();
        while (place > 0 && windows.get(place - 1).start > start) {
            place--;
        }
        Window window;
        if (place > 0 && windows.get(place - 1).start == start) {
            window = windows.get(place - 1);
        } else if (place == 0 && windows.size() == KEPT_WINDOWS) {
            return new Window(start, 0, 0);
        } else {
            window = new Window(start, 0, 0);
            windows.add(place, window);
            if (windows.size() > KEPT_WINDOWS) {
                windows.remove(0);
            }
        }
        window.count++;
        window.cents += cents;
        return window;
    }

    static Serde<Row> serde() {
        return Serdes.serdeFrom((topic, row) -> row == null ? null : row.encode(),
                (topic, data) -> data == null ? null : decode(data));
    }

    private byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(2048);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(recentIds.size());
            for (String id : recentIds) {
                out.writeUTF(id);
            }
            encode(out, hours);
            encode(out, days);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return bytes.toByteArray();
    }

    private static Row decode(byte[] data) {
        Row row = new Row();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(data))) {
            for (int left = in.readUnsignedByte(); left > 0; left--) {
                row.recentIds.addLast(in.readUTF());
            }
            decode(in, row.hours);
            decode(in, row.days);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return row;
    }

    private static void encode(DataOutputStream out, List<Window> windows) throws IOException {
        out.writeByte(windows.size());
        for (Window window : windows) {
            out.writeLong(window.start);
            out.writeLong(window.count);
            out.writeLong(window.cents);
        }
    }

    private static void decode(DataInputStream in, List<Window> windows) throws IOException {
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            windows.add(new Window(in.readLong(), in.readLong(), in.readLong()));
        }
    }
}
