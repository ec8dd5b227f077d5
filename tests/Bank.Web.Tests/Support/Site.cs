using System.Collections.Concurrent;
using Bank.Tests;
using Bank.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Bank.Web.Tests.Support;

/// <summary>The whole bank in this process, with its page.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("bank-page-");
    private readonly ConcurrentQueue<string> _errors = [];
    private WebApplication? _page;

    private Site(BankUnderTest bank) => Bank = bank;

    public BankUnderTest Bank { get; }

    /// <summary>Between the page and the services.</summary>
    public Network.State Network { get; } = new();

    public Uri Address { get; private set; } = new("http://127.0.0.1:0");

    public static async Task<Site> StartAsync()
    {
        var site = new Site(await BankUnderTest.StartAsync(Storage.Sqlite));
        try
        {
            foreach (var part in new[] { Part.Users, Part.Accounts, Part.Transactions })
                await site.Bank.ReadyAsync(part);
            await site.StartPageAsync();
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    /// <summary>At its old address, if it ran before.</summary>
    public async Task StartPageAsync()
    {
        var services = new ServiceAddresses(Bank[Part.Users], Bank[Part.Accounts], Bank[Part.Transactions]);
        _page = BankPage.Build([$"--Urls={Address.OriginalString}", .. services.AsArguments(), $"--Keys={_keys.FullName}", "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft.AspNetCore=None"],
            builder => builder.Services.AddHttpClient<BankClient>().AddHttpMessageHandler(Network.Create));
        await _page.StartAsync();
        Address = new Uri(_page.Urls.First());
    }

    public async Task StopPageAsync()
    {
        if (_page is null)
            return;
        await _page.StopAsync();
        await _page.DisposeAsync();
        _page = null;
    }

    /// <summary>A browser of somebody's own, with the given width.</summary>
    public async Task<Visitor> VisitAsync(int width = 1280)
    {
        var browser = await Chromium.GetAsync();
        var context = await browser.NewContextAsync(new() { BaseURL = Address.OriginalString, ViewportSize = new() { Width = width, Height = 900 } });
        return await Visitor.OpenAsync(context, _errors);
    }

    /// <summary>What the consoles of all browsers have complained about since the last look.</summary>
    public IReadOnlyList<string> TakeErrors()
    {
        var errors = _errors.ToArray();
        _errors.Clear();
        return errors;
    }

    public async ValueTask DisposeAsync()
    {
        await StopPageAsync();
        await Bank.DisposeAsync();
        _keys.Delete(recursive: true);
    }
}
