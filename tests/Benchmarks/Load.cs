using System.Diagnostics;
using System.Text;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>Publishes, and counts receipts.</summary>
internal static class Load
{
    private static readonly byte[] Data = DataOf(256);

    /// <summary>An event of 256 bytes with a version 7 id, which appends to the index of ids.</summary>
    public static NewEvent Event(string key) => Event(key, Data);

    /// <summary>An event with a version 7 id.</summary>
    public static NewEvent Event(string key, byte[] data) => new(key, null, 1, "measured", data) { EventId = Guid.CreateVersion7() };

    /// <summary>A JSON text of so many bytes.</summary>
    public static byte[] DataOf(int bytes) => Encoding.UTF8.GetBytes($"\"{new string('x', bytes - 2)}\"");

    /// <summary>Publishes over one session, with so many events in one message and so many messages without receipt.</summary>
    /// <returns>Events per second.</returns>
    public static async Task<double> PublishAsync(Uri address, IEnumerable<string> keys, int perMessage, int window)
    {
        await using var socket = await Socket.ConnectAsync(address);
        using var room = new SemaphoreSlim(window);
        var (events, messages) = (0L, 0);
        var sent = new TaskCompletionSource<int>();
        var clock = Stopwatch.StartNew();
        var receiving = Task.Run(async () =>
        {
            for (var received = 0; !sent.Task.IsCompleted || received < await sent.Task; received++)
            {
                if (await socket.ReceiveAsync() is not ReceiptMessage receipt || receipt.Receipts.Any(r => r.Status != ReceiptStatus.Success))
                    throw new InvalidOperationException("An event was not taken.");
                room.Release();
            }
        });
        foreach (var chunk in keys.Chunk(perMessage))
        {
            await room.WaitAsync();
            await socket.SendAsync(new NewMessage([.. chunk.Select(Event)]));
            (events, messages) = (events + chunk.Length, messages + 1);
        }

        sent.SetResult(messages);
        // The last receipt may be awaited already: one more message ends that wait.
        await socket.SendAsync(new NewMessage([]));
        await receiving;
        return events / clock.Elapsed.TotalSeconds;
    }
}
