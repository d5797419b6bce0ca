/** How a report's page looks, and the few lines that filter its items. */
export const PAGE_STYLE = [
  ':root{--first:var(--training);--second:var(--validation)}',
  'body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}',
  'main{max-width:860px;margin:0 auto;padding:2.5rem 1.25rem}h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}',
  'h2{font-size:1.15rem;margin:2.75rem 0 0;overflow-wrap:anywhere}.subtitle{color:var(--muted);margin:.1rem 0 0}',
  'a{color:inherit;text-decoration-color:var(--muted)}.note,small,.open{color:var(--muted);font-size:.8rem}',
  'dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:1rem 1.5rem;margin:1.75rem 0}',
  'dt{color:var(--muted);font-size:.8rem}dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}',
  'table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th{color:var(--muted);font-weight:500;font-size:.8rem;text-align:left}',
  'th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--grid);vertical-align:top}',
  '.figures th:nth-child(n+3),.figures td:nth-child(n+3){text-align:right;white-space:nowrap}',
  '.scroll{overflow-x:auto}section{margin:2rem 0 0;overflow-x:auto}section .chart{min-width:36rem}.half .chart{min-width:0;max-width:430px}',
  '.chart .whisker{stroke:var(--ink);stroke-width:1.5;fill:none}.chart .bar{opacity:.75}.chart .diagonal{stroke:var(--muted);stroke-dasharray:4 4;fill:none}',
  '.items{margin:1.5rem 0 0}.items summary{cursor:pointer;font-weight:600}.items form{display:flex;gap:.75rem;align-items:center;margin:.75rem 0}',
  '.items input{flex:1;min-width:8rem}.items input,.items select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--grid);border-radius:4px;padding:.3rem .5rem}',
  '.items output{color:var(--muted);font-size:.8rem}.items td{font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere;min-width:4rem}',
  '.items td:nth-child(2){min-width:16rem;max-width:26rem}.items td:first-child,.items td:last-child{color:var(--muted);min-width:2rem}',
  '.items tr[data-right="1"] td:nth-child(4){color:var(--rate)}.items tr[data-right="0"] td:nth-child(4){color:var(--validation)}',
  'footer{color:var(--muted);font-size:.8rem;margin-top:2.5rem;border-top:1px solid var(--grid)}',
].join('');

export const PAGE_SCRIPT = [
  'for(const part of document.querySelectorAll(".items")){',
  'const[search,choice,out]=part.querySelectorAll("input,select,output"),rows=[...part.querySelectorAll("tbody tr")];',
  'const show=()=>{const words=search.value.toLowerCase();let n=0;',
  'for(const row of rows){const fits=row.textContent.toLowerCase().includes(words)&&(!choice.value||row.dataset.right===choice.value);row.hidden=!fits;n+=fits}',
  'out.value=n+" / "+rows.length};',
  'search.oninput=choice.onchange=show;part.querySelector("form").onsubmit=event=>event.preventDefault();show()}',
].join('');
