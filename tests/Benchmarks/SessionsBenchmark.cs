using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>What sessions cost that do nothing.</summary>
internal static class SessionsBenchmark
{
    private const int Sessions = 2_000;

    public static async Task RunAsync(string folder)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"## {Sessions:N0} idle sessions, registered for ten client types\n"));
        await using var bus = await BusProcess.StartAsync(Path.Combine(folder, "sessions.db"));
        await Load.PublishAsync(bus.Address, Enumerable.Range(0, 2_000).Select(i => $"k{i}"), perMessage: 1, window: 100);
        var before = bus.ResidentMegabytes;
        var sessions = new List<Socket>();
        for (var i = 0; i < Sessions; i++)
        {
            var socket = await Socket.ConnectAsync(bus.Address);
            sessions.Add(socket);
            await socket.SendAsync(new RegisterMessage($"type{i % 10}", ["*"]));
            await socket.ReceiveAsync<RegistrationMessage>();
        }

        await Task.Delay(TimeSpan.FromSeconds(20)); // at least one round of keep-alive
        var after = bus.ResidentMegabytes;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- {before:N0} MB without, {after:N0} MB with them: {after - before:N0} MB, {(after - before) * 1e3 / Sessions:N1} kB a session\n"));
        foreach (var socket in sessions)
            await socket.DisposeAsync();
    }
}
