using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>What sessions cost that do nothing any more: each has read some history when it came, as services do.</summary>
internal static class SessionsBenchmark
{
    private const int Sessions = 2_000;

    // About 1 MiB as it is printed, in one page.
    private const int HistoryEvents = 400;
    private const int HistoryBytes = 2_200;

    public static async Task RunAsync(string folder)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"## {Sessions:N0} idle sessions, registered for ten client types, each after reading 1 MiB of history\n"));
        await using var bus = await BusProcess.StartAsync(Path.Combine(folder, "sessions.db"));
        await Load.PublishAsync(bus.Address, Enumerable.Range(0, 2_000).Select(i => $"k{i}"), perMessage: 1, window: 100);
        await PublishHistoryAsync(bus.Address);
        var read = 0L;
        await using (var first = await Socket.ConnectAsync(bus.Address))
            await ReadHistoryAsync(first); // what the first reader costs is the bus's, not a session's
        var before = bus.ResidentMegabytes;
        var sessions = new List<Socket>();
        for (var i = 0; i < Sessions; i++)
        {
            var socket = await Socket.ConnectAsync(bus.Address);
            sessions.Add(socket);
            await socket.SendAsync(new RegisterMessage($"type{i % 10}", ["*"]));
            await socket.ReceiveAsync<RegistrationMessage>();
            read += await ReadHistoryAsync(socket);
            socket.Shrink();
        }

        await Task.Delay(TimeSpan.FromSeconds(20)); // at least one round of keep-alive
        var after = bus.ResidentMegabytes;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- {before:N0} MB without, {after:N0} MB with them: {after - before:N0} MB, {(after - before) * 1e3 / Sessions:N1} kB a session ({read / Sessions / 1024:N0} KiB of data read by each)\n"));
        foreach (var socket in sessions)
            await socket.DisposeAsync();
    }

    private static async Task PublishHistoryAsync(Uri address)
    {
        await using var socket = await Socket.ConnectAsync(address);
        var data = Load.DataOf(HistoryBytes);
        await socket.SendAsync(new NewMessage([.. Enumerable.Range(0, HistoryEvents).Select(i => Load.Event($"history{i}", data))]));
        await socket.ReceiveAsync<ReceiptMessage>();
    }

    /// <summary>The last events of the log. Returns how many bytes of data they have.</summary>
    private static async Task<long> ReadHistoryAsync(Socket socket)
    {
        await socket.SendAsync(new QueryMessage { RequestId = "history", Descending = true, Limit = HistoryEvents });
        var read = 0L;
        RebuildMessage page;
        do
        {
            page = await socket.ReceiveAsync<RebuildMessage>();
            read += page.Events.Sum(e => (long)e.Data.Length);
        }
        while (!page.Last);
        return read;
    }
}
