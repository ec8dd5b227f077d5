using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Connecting;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>When a client tries again, how long it pauses before, and what it says about it.</summary>
internal sealed class ReconnectTests
{
    private const string Hello = """
        {"message_type":"hello","version":"1","log_id":"a","session_id":"1","position":0,"keep_alive_ms":1000,
         "limits":{"message_bytes":1000,"events_per_message":10,"query_page":10,"key_bytes":10,"event_type_bytes":10}}
        """;

    private readonly Pauses _pauses = new();
    private readonly FakeLogCollector _lines = new();
    private int _attempts;
    private int _ended;

    [Test]
    public async Task The_second_attempt_comes_at_once_and_the_others_after_pauses_that_double_up_to_the_longest()
    {
        await using var server = await StartAsync(context =>
        {
            Interlocked.Increment(ref _attempts);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        _pauses.Note = () => _attempts;
        await using var connection = NewConnection(server, longest: TimeSpan.FromSeconds(8));
        Begin(connection);
        await _pauses.UntilAsync(9);

        Assert.That(_pauses.Taken.Take(9).Select(p => p.Note), Is.EqualTo(Enumerable.Range(2, 9)), "attempts before each pause");
        AssertPauses(100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000);
    }

    [Test]
    public async Task After_sessions_that_were_short_the_longest_pause_is_a_second()
    {
        await using var server = await StartSessionsAsync(_ => Task.CompletedTask);
        await using var connection = NewConnection(server, longest: TimeSpan.FromSeconds(30));
        await connection.SessionAsync(CancellationToken.None);
        await _pauses.UntilAsync(8);

        AssertPauses(100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000);
    }

    [Test]
    public async Task After_sessions_that_were_short_no_pause_is_longer_than_the_program_wants()
    {
        await using var server = await StartSessionsAsync(_ => Task.CompletedTask);
        await using var connection = NewConnection(server, longest: TimeSpan.FromMilliseconds(300));
        await connection.SessionAsync(CancellationToken.None);
        await _pauses.UntilAsync(6);

        AssertPauses(100, 200, 300, 300, 300, 300);
    }

    [Test]
    public async Task A_session_of_a_second_is_no_short_one()
    {
        var lost = Enumerable.Range(0, 6).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        await using var server = await StartSessionsAsync(number => lost[number - 1].Task);
        await using var connection = NewConnection(server, longest: TimeSpan.FromSeconds(30));
        async Task ConnectedAsync(int number)
        {
            await BusTest.UntilAsync(() => _attempts == number, $"it has connected {number} times");
            await connection.SessionAsync(CancellationToken.None);
        }

        Begin(connection);
        foreach (var number in new[] { 1, 2 })
        {
            await ConnectedAsync(number);
            lost[number - 1].SetResult();
        }

        await ConnectedAsync(3);
        Assert.That(_pauses.Taken, Has.Count.EqualTo(1), "after two that were short");
        _pauses.Advance(TimeSpan.FromSeconds(1));
        lost[2].SetResult();

        await ConnectedAsync(4);
        lost[3].SetResult();
        await ConnectedAsync(5);
        Assert.That(_pauses.Taken, Has.Count.EqualTo(1), "the long one makes the next short one the first again");
        foreach (var session in lost)
            session.TrySetResult();
    }

    [Test]
    public async Task That_there_is_no_connection_is_a_warning_once_and_a_detail_thereafter()
    {
        await using var server = await StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        await using var connection = NewConnection(server, longest: TimeSpan.FromSeconds(1));
        Begin(connection);
        await _pauses.UntilAsync(3);

        var lines = _lines.GetSnapshot();
        Assert.That(lines.Select(l => l.Level).Take(3), Is.EqualTo(new[] { LogLevel.Warning, LogLevel.Debug, LogLevel.Debug }));
        Assert.That(lines[0].Message, Does.StartWith($"Cannot connect to {FaultyBus.AddressOf(server)}, trying again until it works: ").And.Contain("503"));
        Assert.That(lines.Skip(1).Take(2).Select(l => l.Message[..45]), Is.EqualTo(lines.Skip(1).Take(2).Select(_ => $"Still cannot connect to {FaultyBus.AddressOf(server)}"[..45])));
    }

    [Test]
    public async Task A_first_message_that_is_not_hello_is_named_and_its_connection_given_up()
    {
        await using var server = await StartAsync(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(WireNames.Subprotocol);
            await SendAsync(socket, """{"message_type":"receipt","receipts":[]}""");
            await UntilGoneAsync(socket);
        });
        await using var connection = NewConnection(server, longest: TimeSpan.FromSeconds(1));
        Begin(connection);
        await _pauses.UntilAsync(1);

        Assert.That(_lines.GetSnapshot()[0].Message, Does.EndWith(": The first message of the bus was not hello."));
        await BusTest.UntilAsync(() => _ended >= 2, "both connections are gone");
    }

    [Test]
    public async Task What_was_sent_to_a_bus_is_not_sent_again_to_an_original_one_in_its_place()
    {
        var received = 0;
        await using var server = await StartAsync(async context =>
        {
            var isFirst = Interlocked.Increment(ref _attempts) == 1;
            using var socket = await context.WebSockets.AcceptWebSocketAsync(isFirst ? WireNames.Subprotocol : null);
            if (isFirst)
                await SendAsync(socket, Hello);
            if ((await socket.ReceiveAsync(new byte[4096], CancellationToken.None)).MessageType == WebSocketMessageType.Text)
                Interlocked.Increment(ref received);
            if (!isFirst)
                await UntilGoneAsync(socket);
        });
        var options = new SequentOptions { Server = FaultyBus.AddressOf(server), ReconnectDelayMax = TimeSpan.FromMilliseconds(100) };
        options.Events.Add<Deposited>();
        await using var client = new SequentClient(options);

        var publishing = client.PublishAsync(new Deposited(1m), "k");

        Assert.That(async () => await publishing.WaitAsync(TimeSpan.FromSeconds(15)), Throws.TypeOf<OutcomeUnknownException>().With.Message.Contains("Its connection was lost before a receipt came."));
        Assert.That((_attempts, received), Is.EqualTo((2, 1)));
    }

    /// <summary>Connects; the test ends before there is a session.</summary>
    private static void Begin(Connection connection) =>
        _ = connection.SessionAsync(CancellationToken.None).ContinueWith(static session => session.Exception, TaskScheduler.Default);

    private void AssertPauses(params int[] longest)
    {
        foreach (var (pause, most) in _pauses.Taken.Zip(longest))
            Assert.That(pause.Length.TotalMilliseconds, Is.InRange(most / 2.0, most), $"of {string.Join(' ', _pauses.Taken.Select(p => (int)p.Length.TotalMilliseconds))}");
    }

    private Connection NewConnection(WebApplication server, TimeSpan longest) =>
        new(new ConnectionSettings(FaultyBus.AddressOf(server), longest, static () => [], _pauses, new Loggers(_lines)));

    /// <summary>A server that ends each session as soon as it may.</summary>
    private Task<WebApplication> StartSessionsAsync(Func<int, Task> untilLost) => StartAsync(async context =>
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync(WireNames.Subprotocol);
        await SendAsync(socket, Hello);
        await untilLost(Interlocked.Increment(ref _attempts));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    });

    private async Task<WebApplication> StartAsync(Func<HttpContext, Task> serve)
    {
        var server = FaultyBus.NewApplication();
        server.UseWebSockets();
        server.Run(async context =>
        {
            try
            {
                await serve(context);
            }
            catch (WebSocketException)
            {
                // The client has left.
            }

            Interlocked.Increment(ref _ended);
        });
        await server.StartAsync();
        return server;
    }

    private static Task SendAsync(WebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task UntilGoneAsync(WebSocket socket)
    {
        while ((await socket.ReceiveAsync(new byte[4096], CancellationToken.None)).MessageType != WebSocketMessageType.Close)
        {
        }
    }

    /// <summary>A clock on which pauses are noted and over at once, and which stands still otherwise.</summary>
    private sealed class Pauses : FakeTimeProvider
    {
        /// <summary>Who pauses more often than that really pauses.</summary>
        private const int Most = 20;

        private readonly Lock _lock = new();
        private readonly List<(TimeSpan Length, int Note)> _taken = [];

        /// <summary>Something to note with each pause.</summary>
        public Func<int> Note { get; set; } = static () => 0;

        public IReadOnlyList<(TimeSpan Length, int Note)> Taken
        {
            get
            {
                lock (_lock)
                    return [.. _taken];
            }
        }

        public Task UntilAsync(int count) => BusTest.UntilAsync(() => Taken.Count >= count, $"it has paused {count} times");

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime <= TimeSpan.Zero || dueTime == ConnectionSettings.ConnectTimeout || dueTime == ConnectionSettings.CloseTimeout)
                return base.CreateTimer(callback, state, dueTime, period);
            lock (_lock)
            {
                if (_taken.Count == Most)
                    return base.CreateTimer(callback, state, dueTime, period);
                _taken.Add((dueTime, Note()));
            }

            return TimeProvider.System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    private sealed class Loggers(FakeLogCollector lines) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new FakeLogger(lines, categoryName);

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
