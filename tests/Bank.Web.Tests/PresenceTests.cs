using Bank.Web.Api;
using Bank.Web.Live;
using Bank.Web.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bank.Web.Tests;

public class PresenceTests
{
    private readonly List<CustomerView> _views = [];
    private Presence _presence = null!;
    private HttpClient _http = null!;

    [SetUp]
    public void Create()
    {
        _presence = new Presence();
        _http = new HttpClient(new Services());
    }

    [TearDown]
    public async Task LeaveAsync()
    {
        foreach (var view in _views)
            await view.DisposeAsync();
        _views.Clear();
        _http.Dispose();
    }

    [Test]
    public async Task A_view_is_paused_while_the_browser_is_disconnected()
    {
        var view = New();
        _presence.Follow(view);

        var atFirst = view.IsPaused;
        await DisconnectAsync();
        var disconnected = view.IsPaused;
        await ConnectAsync();

        Assert.That((atFirst, disconnected, view.IsPaused), Is.EqualTo((false, true, false)));
    }

    [Test]
    public async Task A_view_that_follows_later_is_paused_too()
    {
        var view = New();
        await DisconnectAsync();

        _presence.Follow(view);
        var disconnected = view.IsPaused;
        await ConnectAsync();

        Assert.That((disconnected, view.IsPaused), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_view_that_was_forgotten_is_left_alone()
    {
        var (forgotten, other) = (New(), New());
        _presence.Follow(forgotten);
        _presence.Follow(other);

        _presence.Forget(forgotten);
        await DisconnectAsync();

        Assert.That((forgotten.IsPaused, other.IsPaused), Is.EqualTo((false, true)));
    }

    // Which connection it is, nobody looks at.
    private Task ConnectAsync() => _presence.OnConnectionUpAsync(null!, CancellationToken.None);

    private Task DisconnectAsync() => _presence.OnConnectionDownAsync(null!, CancellationToken.None);

    private CustomerView New()
    {
        var view = new CustomerView(new BankClient(_http, Services.Addresses), TimeProvider.System, NullLogger<CustomerView>.Instance);
        _views.Add(view);
        return view;
    }
}
